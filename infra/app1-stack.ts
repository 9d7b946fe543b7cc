import { Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { Settings } from './settings.ts';
import { UserManagement } from './user-management.ts';

/** App1, user management. */
export class App1Stack extends Stack {
  constructor(scope: Construct, id: string, { settings, ...props }: StackProps & { settings: Settings }) {
    super(scope, id, props);
    new UserManagement(this, 'Default', { settings });
  }
}
