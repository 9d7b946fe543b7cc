import { App, Stack, Validations } from 'aws-cdk-lib';
import { APP2, pascalCase } from '../contracts/services.ts';
import { environments as app1 } from '../handlers/app1/lib/environments.ts';
import { environments as app2 } from '../handlers/app2/lib/environments.ts';
import { App1Stack } from './app1-stack.ts';
import { App2Stack } from './app2-stack.ts';
import { bundleHandlers } from './bundle.ts';
import { rulePacks } from './rule-packs.ts';
import { isLocal } from './service-settings.ts';
import { ServiceUsers } from './service-users.ts';
import { readSettings } from './settings.ts';

/**
 * Independent stacks: deploy App2 first, then App1 with App2's output as its parameter. For the local AWS, the app also has a
 * stack for each further target; on AWS, such a stack belongs to the app of the team.
 * Account and region are those of the credentials of the deployment.
 */
const app = new App();
const settings = readSettings(app.node);
const terminationProtection = settings.deletionProtection;

await bundleHandlers(app, { app1: Object.keys(app1), app2: Object.keys(app2) });
new App2Stack(app, 'App2', { settings, terminationProtection, description: 'App2: business service' });
if (isLocal(app.node))
  for (const { name, state } of settings.targets)
    if (name !== APP2 && state !== 'gone')
      new ServiceUsers(new Stack(app, pascalCase(name)), 'Users', {
        service: name,
        consumer: settings.app1Account,
      });
new App1Stack(app, 'App1', { settings, terminationProtection, description: 'App1: user management' });
if (settings.checked) Validations.of(app).addPlugins(...rulePacks(app));
app.synth();
