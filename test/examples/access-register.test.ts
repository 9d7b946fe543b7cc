import { describe, expect, it } from '@jest/globals';
import { App } from 'aws-cdk-lib';
import { Template as Assertions, Match } from 'aws-cdk-lib/assertions';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { type EventName, eventRows, eventSources, events } from '../../contracts/events/catalogue.ts';
import { checkAgainstCatalogue } from '../../contracts/events/contract-kit.ts';
import { AccessRegisterStack } from '../../examples/access-register/access-register-stack.ts';
import { app1Facts, app2Facts } from '../../examples/access-register/expectations.ts';
import { readSettings } from '../../examples/access-register/settings.ts';

const facts: readonly EventName[] = [...app1Facts.events, ...app2Facts.events];

describe('what the access register relies on', () => {
  it.each([
    ['App1', app1Facts],
    ['App2', app2Facts],
  ])('is kept by the catalogue of %s', (_service, expectation) => {
    expect(checkAgainstCatalogue(expectation)).toEqual([]);
  });

  it('is every fact that gives access, and every one that can take it away again', () => {
    const rows = (names: readonly string[]) => eventRows.filter(([name]) => names.includes(name));
    const given = eventRows.filter(([, { user }]) => user === 'present').map(([name]) => name);
    const followed = (names: readonly string[]) => rows(names).flatMap(([, { followed_by }]) => followed_by);
    const later = new Set(followed(given));
    for (const name of later) for (const next of followed([name])) later.add(next);
    const taken = rows([...later]).filter(([, { user }]) => user === 'absent');

    expect(taken.length).toBeGreaterThan(0);
    expect(facts).toEqual(expect.arrayContaining([...given, ...taken.map(([name]) => name)]));
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
    ['app1-provisioning', eventSources.app1],
    ['app2-service-users', eventSources.app2],
  ])('has a rule on %s, for the facts of that service', (EventBusName, source) => {
    templateIn(OWNER).hasResourceProperties('AWS::Events::Rule', {
      EventBusName,
      EventPattern: Match.objectLike({
        source: [source],
        'detail-type': facts.filter((name) => events[name].source === source),
      }),
    });
  });

  it('loses nothing that it could not handle, and tells of it once', () => {
    const template = templateIn(OWNER);
    for (const type of ['AWS::SQS::Queue', 'AWS::Lambda::EventInvokeConfig', 'AWS::CloudWatch::Alarm'])
      template.resourceCountIs(type, 1);
    template.resourceCountIs('AWS::Events::EventBus', 0);
  });

  it('may write items, and nothing else, in its tables', () => {
    const actions = Object.values(templateIn(OWNER).findResources('AWS::IAM::Policy'))
      .map((policy) => JSON.stringify(policy))
      .flatMap((policy) => policy.match(/dynamodb:\w+/g) ?? []);

    expect([...new Set(actions)]).toEqual(['dynamodb:PutItem']);
  });

  it('in another account has the events of both services pass a bus of its own', () => {
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

  it('are the buses of another account, or none', () => {
    expect(read({})).toEqual({ app1BusArn: undefined, app2BusArn: undefined });
    expect(read({ app1_bus_arn: app1, app2_bus_arn: app2 })).toEqual({ app1BusArn: app1, app2BusArn: app2 });
  });

  it.each(['app1_bus', 'App1_Bus_Arn', 'app1-bus-arn'])('are not misspelt without a word: %s', (key) => {
    expect(() => read({ [key]: app1, app2_bus_arn: app2 })).toThrow(
      `Not settings of this app: ${key}. There are: app1_bus_arn, app2_bus_arn.`,
    );
  });

  it("are beside what CDK keeps in the context: its flags, what look-ups remember, its command line's", () => {
    const ofCdk = {
      '@aws-cdk/core:newStyleStackSynthesis': true,
      'availability-zones:account=111122223333:region=eu-central-1': ['eu-central-1a'],
      'cli-telemetry': false,
      'acknowledged-issue-numbers': [1],
    };
    expect(() => read(ofCdk)).not.toThrow();
  });
});
