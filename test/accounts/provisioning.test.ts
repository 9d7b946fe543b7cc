import { FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import {
  DescribeRuleCommand,
  EventBridgeClient,
  ListTargetsByRuleCommand,
  PutRuleCommand,
} from '@aws-sdk/client-eventbridge';
import { describe, expect, it } from '@jest/globals';
import { functionNamed } from '../../infra/names.ts';
import { exhaustRateLimit } from '../../local/harness/exhaust-rate-limit.ts';
import { withVariables } from '../../local/harness/variables.ts';
import { systemOf } from '../../local/system.ts';
import { configuration, newName, newRequest, outputs, provision, system } from '../e2e/support/deployed.ts';
import { eventually } from '../local-aws/support/eventually.ts';
import {
  denyToFunction,
  removeBusPermission,
  removeCredentialsKeyPermission,
  removePasswordKeyPermission,
  removeSecretPermission,
} from './support/permissions.ts';
import { targetAccount } from './support/target-account.ts';

/** App1 in one account and App2 in another, deployed by the code and the setting `app1_account` of docs/deploying.md. */

const outputsOfTarget = { ...outputs, account: targetAccount, access_key_id: targetAccount };
/** Access with the credentials of the account of App2. */
const target = systemOf(outputsOfTarget);

/** Provisions a user in new execution environments of App1's function, which has cached neither credentials nor a token. */
const provisionUncached = (request = newRequest()) =>
  withVariables(outputs, 'app1-call-target', { ENVIRONMENT: newName('environment') }, () =>
    provision(request),
  );

describe('App1 and App2 in two accounts', () => {
  it('have the resources of each service in its account', () => {
    const { app1, app2, account } = outputs;
    const accountOf = (arn: string) => arn.split(':')[4];

    expect([app1.state_machine_arn].map(accountOf)).toEqual([account]);
    expect([app2.state_machine_arn, app2.key_arn, app2.credentials_secret_arn].map(accountOf)).toEqual(
      Array.from({ length: 3 }, () => targetAccount),
    );
  });

  it('provision a user, which a notification reports; the user signs in, and DELETE removes the user', async () => {
    const request = newRequest();
    // App2 responds at once, and App1 waits for half an hour unless it receives the notification.
    const reset = await exhaustRateLimit(outputsOfTarget, 'status-polls', 120);

    const { status, provisioning_id } = await provision(request);

    await reset();

    expect(status).toBe('SUCCEEDED');
    const { events: notified = [] } = await target.clients.logs.send(
      new FilterLogEventsCommand({
        logGroupName: `/aws/lambda/${functionNamed('app2', 'notify-completion')}`,
        filterPattern: `"Client notified" "${provisioning_id}"`,
      }),
    );
    expect(notified).toHaveLength(1);
    expect(await target.user(request.username)).toMatchObject({
      status: 'CONFIRMED',
      attributes: { 'custom:provisioning_id': provisioning_id },
      groups: ['service-user'],
    });
    const token = await target.signIn(request.username, request.password);
    expect(await target.app2('POST', '/sample', token, { data: { n: 1 } })).toMatchObject({ status: 200 });
    await eventually(async () => {
      expect(await system.deprovision(provisioning_id, { Prefer: 'wait=20' })).toMatchObject({ status: 204 });
    }, 90_000);
    expect(await target.user(request.username)).toBeUndefined();
  });
});

describe('without a permission between the accounts', () => {
  it.each([
    ['the policy of the secret does not name App1', 'Authenticate', removeSecretPermission],
    ["the policy of the secret's key does not name App1", 'Authenticate', removeCredentialsKeyPermission],
    [
      'App1 itself may not decrypt the secret',
      'Authenticate',
      () => denyToFunction('app1-call-target', 'kms:Decrypt'),
    ],
    [
      'the policy of the key of passwords does not name App1',
      'EncryptCredentials',
      removePasswordKeyPermission,
    ],
  ])('provisionings fail without a user: %s', async (_, step, remove) => {
    const request = newRequest();
    const restore = await remove();

    const failed = await provisionUncached(request);

    await restore();

    expect(failed).toMatchObject({ status: 'FAILED', user: 'absent', error: { step } });
    expect(await target.user(request.username)).toBeUndefined();
  });

  it('provisionings fail only until it is restored', async () => {
    const { status } = await provisionUncached();

    expect(status).toBe('SUCCEEDED');
  });

  it("App1 cannot manage its rule on App2's bus", async () => {
    const events = new EventBridgeClient(configuration);
    const rule = {
      Name: 'app1-notifications',
      EventBusName: `arn:aws:events:${outputs.region}:${targetAccount}:event-bus/${outputs.app2.event_bus_name}`,
    };
    const { EventPattern } = await events.send(new DescribeRuleCommand(rule));
    const put = () => events.send(new PutRuleCommand({ ...rule, EventPattern }));
    const list = () =>
      events.send(new ListTargetsByRuleCommand({ Rule: rule.Name, EventBusName: rule.EventBusName }));
    await Promise.all([put(), list()]);

    const restore = await removeBusPermission();

    const denied = { name: 'AccessDeniedException' };
    await expect(put()).rejects.toMatchObject(denied);
    await expect(list()).rejects.toMatchObject(denied);
    await restore();
    await Promise.all([put(), list()]);
  });
});
