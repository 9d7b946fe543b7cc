import { describe, expect, it } from '@jest/globals';
import { App } from 'aws-cdk-lib';
import { Template as Assertions, Match } from 'aws-cdk-lib/assertions';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { type EventName, eventRows, events, sourceOf } from '../../contracts/events/catalogue.ts';
import { checkAgainstCatalogue } from '../../contracts/events/contract-kit.ts';
import { AccessRegisterStack } from '../../examples/access-register/access-register-stack.ts';
import { app1Expectation, app2Expectation } from '../../examples/access-register/expectations.ts';
import { readSettings } from '../../examples/access-register/settings.ts';

const subscribed: readonly EventName[] = [...app1Expectation.events, ...app2Expectation.events];

describe('the expectations of the access register', () => {
  it.each([
    ['App1', app1Expectation],
    ['App2', app2Expectation],
  ])('match the catalogue for %s', (_service, expectation) => {
    expect(checkAgainstCatalogue(expectation)).toEqual([]);
  });

  it('contain every event that grants access, and every event that can revoke it', () => {
    const rows = (names: readonly string[]) => eventRows.filter(([name]) => names.includes(name));
    const granting = eventRows.filter(([, { user }]) => user === 'present').map(([name]) => name);
    const followed = (names: readonly string[]) => rows(names).flatMap(([, { followed_by }]) => followed_by);
    const later = new Set(followed(granting));
    for (const name of later) for (const next of followed([name])) later.add(next);
    const revoking = rows([...later]).filter(([, { user }]) => user === 'absent');

    expect(revoking.length).toBeGreaterThan(0);
    expect(subscribed).toEqual(expect.arrayContaining([...granting, ...revoking.map(([name]) => name)]));
  });
});

function templateIn(account: string, owner = account): Assertions {
  const arn = (bus: string) => `arn:aws:events:eu-central-1:${owner}:event-bus/${bus}`;
  const stack = new AccessRegisterStack(new App({ analyticsReporting: false }), 'AccessRegister', {
    code: Code.fromInline('exports.handler = async () => undefined'),
    env: { account, region: 'eu-central-1' },
    ...(owner === account
      ? {}
      : { app1BusArn: arn('app1-provisioning'), app2BusArn: arn('app2-service-users') }),
  });
  return Assertions.fromStack(stack);
}
const OWNER = '111122223333';

describe('the stack of the access register', () => {
  it.each([
    ['app1-provisioning', 'app1'],
    ['app2-service-users', 'app2'],
  ])('has a rule on %s for the events of that service', (EventBusName, service) => {
    templateIn(OWNER).hasResourceProperties('AWS::Events::Rule', {
      EventBusName,
      EventPattern: Match.objectLike({
        source: [sourceOf(service)],
        'detail-type': subscribed.filter((name) => events[name].publisher === service),
      }),
    });
  });

  it('has one dead-letter queue and one alarm', () => {
    const template = templateIn(OWNER);
    for (const type of ['AWS::SQS::Queue', 'AWS::Lambda::EventInvokeConfig', 'AWS::CloudWatch::Alarm'])
      template.resourceCountIs(type, 1);
    template.resourceCountIs('AWS::Events::EventBus', 0);
  });

  it('has only the permission to write items to its tables', () => {
    const actions = Object.values(templateIn(OWNER).findResources('AWS::IAM::Policy'))
      .map((policy) => JSON.stringify(policy))
      .flatMap((policy) => policy.match(/dynamodb:\w+/g) ?? []);

    expect([...new Set(actions)]).toEqual(['dynamodb:PutItem']);
  });

  it('has a bus of its own for the events of both services in another account', () => {
    const template = templateIn('999999999999', OWNER);

    template.resourceCountIs('AWS::Events::EventBus', 1);
    for (const bus of ['app1-provisioning', 'app2-service-users'])
      template.hasResourceProperties('AWS::Events::Rule', {
        EventBusName: `arn:aws:events:eu-central-1:${OWNER}:event-bus/${bus}`,
        Targets: [
          Match.objectLike({ Arn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^AuditEvents'), 'Arn'] } }),
        ],
      });
  });
});

describe('the settings of the access register', () => {
  const read = (context: Record<string, unknown>) => readSettings(new App({ context }).node);
  const [app1, app2] = ['app1', 'app2'].map(
    (name) => `arn:aws:events:eu-central-1:${OWNER}:event-bus/${name}`,
  );

  it('are the ARNs of the buses in another account, or none', () => {
    expect(read({})).toEqual({ app1BusArn: undefined, app2BusArn: undefined });
    expect(read({ app1_bus_arn: app1, app2_bus_arn: app2 })).toEqual({ app1BusArn: app1, app2BusArn: app2 });
  });

  it.each(['app1_bus', 'App1_Bus_Arn', 'app1-bus-arn'])('reject the unknown key %s', (key) => {
    expect(() => read({ [key]: app1, app2_bus_arn: app2 })).toThrow(
      `Not settings of this app: ${key}. Settings are: app1_bus_arn, app2_bus_arn.`,
    );
  });

  it('ignore keys of the CDK: feature flags, cached look-ups, and keys of its CLI', () => {
    const cdkContext = {
      '@aws-cdk/core:newStyleStackSynthesis': true,
      'availability-zones:account=111122223333:region=eu-central-1': ['eu-central-1a'],
      'cli-telemetry': false,
      'acknowledged-issue-numbers': [1],
    };

    expect(() => read(cdkContext)).not.toThrow();
  });
});
