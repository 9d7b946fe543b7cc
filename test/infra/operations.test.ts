import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import * as z from 'zod';
import { sourceOf } from '../../contracts/events/catalogue.ts';
import { serviceKinds } from '../../contracts/services.ts';
import { metrics, NAMESPACE, seriesOf } from '../../handlers/shared/metrics.ts';
import { readAlarmText } from '../../infra/alarm-text.ts';
import { awsMetrics } from '../../infra/metrics.ts';
import { type Template, templates } from '../../infra/templates.ts';
import { resources } from '../support/resources.ts';
import {
  alarmsOf,
  metricsOfAlarms,
  metricsOfDashboard,
  type WatchedMetric,
  widgetsOf,
} from '../support/watched-metrics.ts';

const root = join(import.meta.dirname, '..', '..');
const folder = join(root, 'docs', 'runbooks');
const aws = templates();
const readRunbook = (name: string): string => readFileSync(join(folder, name), 'utf8');

const named = (template: Template, type: string, property: string): unknown[] =>
  resources(template, type).map(([, { Properties }]) => Properties[property]);

/** By dimension: whether a value exists in the template or the contract. */
const exists: Record<string, (template: Template, value: string) => boolean> = {
  service: (template, value) => named(template, 'AWS::Lambda::Function', 'FunctionName').includes(value),
  source: (_template, value) => serviceKinds.map(sourceOf).includes(value),
  step: (template, value) =>
    JSON.stringify(named(template, 'AWS::StepFunctions::StateMachine', 'DefinitionString')).includes(
      `\\"${value}\\":{`,
    ),
  StateMachineArn: (template, value) => has(template, 'AWS::StepFunctions::StateMachine', value),
  UserPool: (template, value) => has(template, 'AWS::Cognito::UserPool', value),
  UserPoolClient: (template, value) => has(template, 'AWS::Cognito::UserPoolClient', value),
  QueueName: (template, value) =>
    has(template, 'AWS::SQS::Queue', value) ||
    named(template, 'AWS::SQS::Queue', 'QueueName').includes(value),
  ApiName: (template, value) => named(template, 'AWS::ApiGateway::RestApi', 'Name').includes(value),
  Stage: (template, value) => named(template, 'AWS::ApiGateway::Stage', 'StageName').includes(value),
};
const has = (template: Template, type: string, value: string): boolean =>
  resources(template, type).some(([id]) => value === `<${id}>`);

const metricKeys = Object.keys(metrics) as (keyof typeof metrics)[]; // of a constant: just these

/** The dimensions of a metric in CloudWatch. */
const dimensionsOf = (key: keyof typeof metrics): string[] =>
  Object.keys(
    seriesOf(key, Object.fromEntries(metrics[key].dimensions.map((name) => [name, '*']))).dimensions,
  );

/** The faults of a monitored metric: an unknown name, wrong dimensions, or a dimension without such a value. */
function faults(
  service: string,
  template: Template,
  { namespace, name, dimensions }: WatchedMetric,
): string[] {
  const own = metricKeys.find((key) => seriesOf(key, { service }).name === name);
  const expected =
    namespace === NAMESPACE
      ? own && dimensionsOf(own)
      : Object.entries(awsMetrics).find(
          ([key, { names }]) => key === namespace && (names as readonly string[]).includes(name), // of another tuple each
        )?.[1].dimensions;
  if (expected === undefined) return ['there is no such metric'];
  const given = Object.keys(dimensions).sort();
  if (given.join() !== [...expected].sort().join())
    return [`its dimensions are ${expected.join()}, not ${given.join()}`];
  return Object.entries(dimensions).flatMap(([key, value]) =>
    value === '*' || exists[key]?.(template, value) === true ? [] : [`there is no ${key} ${value}`],
  );
}

describe.each(serviceKinds)('operations of %s', (service) => {
  const template = aws[service];
  const alarms = alarmsOf(template);

  it('have the expected alarms', () => {
    const common = [
      'api-errors',
      'dependency-failures',
      'events-not-published',
      'functions-throttled',
      'interventions',
      'provisionings-hang',
      'roll-back-execution-failed',
      'roll-back-failed',
      'roll-back-timed-out',
      'sweep-incomplete',
      'sweep-missing',
      'system-failures',
      'dead-letter-queue',
    ].map((what) => `${service}-${what}`);
    const own = {
      app1: ['app1-provisioning-broken'],
      app2: [
        'app2-authorizer-failures',
        'app2-machine-sign-in-throttled',
        'app2-service-users-broken',
        'app2-user-sign-in-throttled',
      ],
    };

    expect(alarms.map(({ AlarmName }) => AlarmName).sort()).toEqual([...common, ...own[service]].sort());
  });

  it('send ALARM and OK of every alarm to one topic', () => {
    const topics = resources(template, 'AWS::SNS::Topic').map(([id]) => `<${id}>`);

    expect(topics).toHaveLength(1);
    for (const { AlarmActions, OKActions } of alarms)
      expect([AlarmActions, OKActions]).toEqual([topics, topics]);
  });

  it('treat missing data as breaching only for the heartbeat of the sweep', () => {
    const missing = alarms.filter(({ TreatMissingData }) => TreatMissingData === 'breaching');

    expect(missing.map(({ AlarmName }) => AlarmName)).toEqual([`${service}-sweep-missing`]);
    expect(missing[0]).toMatchObject({ MetricName: 'SweepCompleted', Period: 300, EvaluationPeriods: 3 });
  });

  it.each(alarms.map((alarm) => [alarm.AlarmName, alarm] as const))(
    'describe for %s condition, impact, first command and runbook',
    (name, { AlarmDescription }) => {
      const text = readAlarmText(AlarmDescription);
      const file = /^docs\/runbooks\/([a-z-]+\.md)$/.exec(text?.runbook ?? '')?.[1] ?? 'none';

      const runbook = readRunbook(file);
      const [introduction = ''] = runbook.split('**What happened');
      const known = [name, name.replace('app2', 'app1')].some((one) => introduction.includes(`\`${one}\``));

      expect(runbook).toContain(
        text?.firstCommand.replace(/^npm run redrive -- app2/, 'npm run redrive -- app1'),
      );
      expect([name, known]).toEqual([name, true]);
    },
  );

  it('monitor only metrics that AWS or the code writes, with existing dimensions', () => {
    const watched = [...metricsOfAlarms(template), ...metricsOfDashboard(template)];
    const found = watched.flatMap((metric) =>
      faults(service, template, metric).map((fault) => `${metric.by}, ${metric.name}: ${fault}`),
    );

    expect(found).toEqual([]);
    expect(watched.length).toBeGreaterThan(40);
  });

  it('show every alarm and every runbook on the dashboard', () => {
    const widgets = widgetsOf(template);
    const alarmsInWidgets = widgets.flatMap((one) => (one.type === 'alarm' ? one.properties.alarms : []));
    const markdown = widgets
      .flatMap((one) => (one.type === 'text' ? [one.properties.markdown] : []))
      .join('\n');

    expect(alarmsInWidgets.sort()).toEqual(
      resources(template, 'AWS::CloudWatch::Alarm')
        .map(([id]) => `<${id}>`)
        .sort(),
    );
    for (const { AlarmName, AlarmDescription } of alarms) {
      expect(markdown).toContain(`](${readAlarmText(AlarmDescription)?.runbook})`);
      expect(markdown).toContain(AlarmName);
    }
  });

  it('encrypt the topic, and allow publishing over TLS by alarms of this account only', () => {
    const [topic = ''] = resources(template, 'AWS::SNS::Topic').map(([id]) => id);
    const key = z
      .object({ 'Fn::GetAtt': z.tuple([z.string(), z.literal('Arn')]) })
      .parse(template.Resources[topic]?.Properties['KmsMasterKeyId']);
    const [keyId] = key['Fn::GetAtt'];
    const policies = resources(template, 'AWS::SNS::TopicPolicy').map(([, policy]) => policy.Properties);

    expect(policies).toEqual([
      expect.objectContaining({
        Topics: [{ Ref: topic }],
        PolicyDocument: expect.objectContaining({
          Statement: [
            expect.objectContaining({
              Effect: 'Deny',
              Condition: { Bool: { 'aws:SecureTransport': 'false' } },
            }),
            expect.objectContaining({
              Effect: 'Allow',
              Principal: { Service: 'cloudwatch.amazonaws.com' },
              Action: 'sns:Publish',
              Condition: {
                ArnLike: { 'aws:SourceArn': expect.anything() },
                StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } },
              },
            }),
          ],
        }),
      }),
    ]);
    // Without this permission, CloudWatch could not publish, without an error.
    expect(template.Resources[keyId]?.Properties['KeyPolicy']).toMatchObject({
      Statement: expect.arrayContaining([
        expect.objectContaining({
          Effect: 'Allow',
          Principal: { Service: 'cloudwatch.amazonaws.com' },
          Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
        }),
      ]),
    });
  });

  it('stay within the resource quota of a stack', () => {
    expect(Object.keys(template.Resources).length).toBeLessThan(500);
  });
});

describe('the check of monitored metrics', () => {
  const real = {
    by: 'a test',
    namespace: NAMESPACE,
    name: 'SweepRemaining',
    dimensions: { service: 'app1-sweep-provisionings' },
  };

  it.each<[string, Partial<WatchedMetric>, RegExp]>([
    ['has another name', { name: 'SweepsRemaining' }, /no such metric/],
    ['is in another namespace', { namespace: 'AWS/Lambda' }, /no such metric/],
    ['has a dimension too many', { dimensions: { ...real.dimensions, step: 'X' } }, /dimensions are service/],
    ['has a dimension too few', { dimensions: {} }, /dimensions are service/],
    ['belongs to no function', { dimensions: { service: 'app1-sweep' } }, /no service app1-sweep/],
  ])('fails if a metric %s', (_what, over, fault) => {
    expect(faults('app1', aws.app1, real)).toEqual([]);
    expect(faults('app1', aws.app1, { ...real, ...over })).toEqual([expect.stringMatching(fault)]);
  });
});

describe('a metric of the functions', () => {
  const code = readdirSync(join(root, 'handlers'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('shared/metrics.ts'))
    .map((file) => readFileSync(join(root, 'handlers', file), 'utf8'))
    .join('\n');

  it.each(Object.entries(metrics).filter(([, { from }]) => from === 'function'))(
    '%s is written by a function',
    (key) => {
      expect(code).toMatch(new RegExp(`metricNames\\.${key}\\b|\\b${key}:|'${key}'`));
    },
  );
});

describe.each(serviceKinds)('the logs of %s', (service) => {
  const counted = named(aws[service], 'AWS::Logs::MetricFilter', 'MetricTransformations');
  const isOwn = (key: (typeof metricKeys)[number]) =>
    !('only' in metrics[key]) || metrics[key].only === service;

  it.each(metricKeys.filter((key) => metrics[key].from !== 'function' && isOwn(key)))(
    'have a metric filter for %s',
    (key) => {
      const { name } = seriesOf(key, { service });

      expect(counted).toContainEqual([
        expect.objectContaining({ MetricName: name, MetricNamespace: NAMESPACE }),
      ]);
    },
  );
});

describe('runbooks', () => {
  const files = readdirSync(folder).filter((file) => file !== 'README.md');
  const all = serviceKinds.flatMap((service) => alarmsOf(aws[service]));
  const led = new Set(
    all.map(({ AlarmDescription }) => readAlarmText(AlarmDescription)?.runbook.split('/').at(-1)),
  );

  it.each(files)('%s belongs to an alarm, or is linked from a runbook of an alarm', (file) => {
    const leads = [...led].some(
      (runbook) => runbook !== undefined && readRunbook(runbook).includes(`](${file})`),
    );

    expect([file, led.has(file) || leads]).toEqual([file, true]);
  });

  it.each(files)('%s states the impact and has the sections Diagnose, Resolve and Verify', (file) => {
    const headings = [...readRunbook(file).matchAll(/^## (.+)$/gm)].map(([, heading]) => heading);

    expect(headings).toEqual(['Diagnose', 'Resolve', 'Verify']);
    expect(readRunbook(file)).toContain('**Impact.**');
  });

  it.each(files)('%s names only existing alarms', (file) => {
    const [introduction = ''] = readRunbook(file).split('**What happened');
    const alarms = [...introduction.matchAll(/`(app[12]-[a-z0-9-]+)`/g)].map(([, name]) => name);

    for (const name of alarms) expect(all.map(({ AlarmName }) => AlarmName)).toContain(name);
  });
});

describe('the settings of alarms', () => {
  it('subscribe the email address', () => {
    const { app1 } = templates({ alarm_email: 'operators@example.org' });

    expect(resources(app1, 'AWS::SNS::Subscription').map(([, { Properties }]) => Properties)).toEqual([
      expect.objectContaining({ Protocol: 'email', Endpoint: 'operators@example.org' }),
    ]);
    expect(resources(aws.app1, 'AWS::SNS::Subscription')).toEqual([]);
  });

  it('use an existing topic', () => {
    const topic = 'arn:aws:sns:eu-central-1:111122223333:operators';
    const { app2 } = templates({ alarm_topic: topic });

    expect(resources(app2, 'AWS::SNS::Topic')).toEqual([]);
    for (const { AlarmActions, OKActions } of alarmsOf(app2))
      expect([AlarmActions, OKActions]).toEqual([[topic], [topic]]);
  });

  it('link to the runbooks at the given URL', () => {
    const { app1 } = templates({ runbooks_url: 'https://wiki.example.org/runbooks/' });

    for (const { AlarmDescription } of alarmsOf(app1))
      expect(readAlarmText(AlarmDescription)?.runbook).toMatch(
        /^https:\/\/wiki\.example\.org\/runbooks\/[a-z-]+\.md$/,
      );
  });

  it('are rejected if they are invalid', () => {
    expect(() => templates({ alarm_email: 'operators' })).toThrow(/alarm_email/);
    expect(() => templates({ alarm_topic: 'operators' })).toThrow(/alarm_topic/);
    expect(() => templates({ runbooks_url: 'wiki' })).toThrow(/runbooks_url/);
  });
});
