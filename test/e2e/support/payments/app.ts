import { App, Stack } from 'aws-cdk-lib';
import { environments } from '../../../../handlers/app2/lib/environments.ts';
import { bundleHandlers } from '../../../../infra/bundle.ts';
import { ServiceUsers } from '../../../../infra/service-users.ts';

/** The app of a team whose service gets service users, beside App2 in the same account and region. */
const app = new App();
await bundleHandlers(app, { app1: [], app2: Object.keys(environments) });
new ServiceUsers(new Stack(app, 'Payments'), 'Users', { service: 'payments' });
app.synth();
