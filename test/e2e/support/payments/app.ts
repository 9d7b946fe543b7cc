import { App, Stack } from 'aws-cdk-lib';
import { StringAttribute, UserPool } from 'aws-cdk-lib/aws-cognito';
import { environments } from '../../../../handlers/app2/lib/environments.ts';
import { bundleHandlers } from '../../../../infra/bundle.ts';
import { ServiceUsers } from '../../../../infra/service-users.ts';
import { customAttributes } from '../../../../infra/user-pool.ts';

/**
 * The app of a team with two services, beside App2 in the same account and region. The first adopts a user pool of the team,
 * and the second shares the rate limits of the first.
 */
const app = new App();
await bundleHandlers(app, { app1: [], app2: Object.keys(environments) });
const stack = new Stack(app, 'Payments');
const userPool = new UserPool(stack, 'Own', {
  userPoolName: 'own-pool',
  signInCaseSensitive: false,
  signInAliases: { username: true },
  passwordPolicy: { minLength: 12 },
  customAttributes: Object.fromEntries(
    Object.entries(customAttributes).map(([name, maxLen]) => [
      name,
      new StringAttribute({ mutable: false, maxLen }),
    ]),
  ),
});
const payments = new ServiceUsers(stack, 'Users', { service: 'payments', userPool });
new ServiceUsers(stack, 'OrderUsers', { service: 'orders', rateLimits: payments.rateLimits });
app.synth();
