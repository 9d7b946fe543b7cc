import type { ProvisioningStatus } from '../../contracts/status.ts';
import { subject } from './subject.ts';

/** A status of App2, by default of a running creation. */
export function creationStatus(other: Partial<ProvisioningStatus> = {}): ProvisioningStatus {
  return {
    ...subject,
    status: 'RUNNING',
    user: 'absent',
    started_at: '2026-01-01T00:00:00.000Z',
    ...other,
  };
}
