import { describe, expect, it } from '@jest/globals';
import * as z from 'zod';
import { sourceOf } from '../../contracts/events/catalogue.ts';
import { serviceKinds } from '../../contracts/services.ts';
import { type Template, templates } from '../../infra/templates.ts';

/** Every policy of both templates: permissions to put events, and permissions of AWS services. */

const SETTINGS = {
  'one account': { environment: 'aws' },
  'two accounts': { app1_account: '111122223333' },
  'subscribers and callers': { subscriber_accounts: '777788889999', app1_callers: 'billing' },
} as const;

const oneOrMore = z.union([z.string().transform((one) => [one]), z.array(z.string())]);
const statement = z.looseObject({
  Effect: z.enum(['Allow', 'Deny']),
  Action: oneOrMore,
  Principal: z.union([z.literal('*'), z.looseObject({ Service: oneOrMore.optional() })]).optional(),
  Condition: z.record(z.string(), z.record(z.string(), z.unknown())).default({}),
});
type Statement = z.infer<typeof statement>;

/** Every statement in a value, at any depth, including policy documents in JSON strings. */
function statementsIn(value: unknown): Statement[] {
  if (typeof value === 'string' && value.startsWith('{') && value.includes('"Statement"'))
    return statementsIn(JSON.parse(value));
  if (Array.isArray(value)) return value.flatMap(statementsIn);
  if (typeof value !== 'object' || value === null) return [];
  // A string that is joined from parts and references.
  if ('Fn::Join' in value) {
    const [glue, parts] = z.tuple([z.string(), z.array(z.unknown())]).parse(value['Fn::Join']);
    return statementsIn(parts.map((part) => (typeof part === 'string' ? part : 'a-reference')).join(glue));
  }
  const read = 'Effect' in value ? statement.safeParse(value) : undefined;
  if (read?.success === true) return [read.data];
  return Object.values(value).flatMap(statementsIn);
}

const all = Object.entries(SETTINGS).flatMap(([named, context]) =>
  Object.entries(templates(context)).flatMap(([service, template]: [string, Template]) =>
    Object.entries(template.Resources).map(([id, { Type, Properties }]) => ({
      title: `${named}, ${service}: ${id}`,
      type: Type,
      properties: Properties,
      statements: statementsIn(Properties),
    })),
  ),
);

describe('permissions to put events', () => {
  const sources: string[] = [...serviceKinds.map(sourceOf), 'app2.notifications'];
  const putting = all.flatMap(({ title, statements }) =>
    statements
      .filter(({ Action }) => Action.some((action) => /^(\*|events:(\*|Put.*))$/.test(action)))
      .filter(({ Action }) => !Action.every((action) => /^events:Put(Rule|Targets)$/.test(action)))
      .filter(({ Action }) => Action.includes('events:PutEvents') || Action.includes('events:*'))
      .map((one) => [title, one] as const),
  );

  it('are found for state machines, functions and forwarding roles', () => {
    expect(putting.length).toBeGreaterThan(12);
    expect(putting.map(([title]) => title).join()).toMatch(/Forwarding/);
  });

  it.each(putting)('name one source and detail types: %s', (_title, { Action, Condition }) => {
    const values = z
      .strictObject({
        'events:source': z.tuple([z.string()]),
        'events:detail-type': z.array(z.string()).min(1),
      })
      .parse(Condition['ForAllValues:StringEquals']);

    expect(Action).toEqual(['events:PutEvents']);
    expect(Condition['Null']).toEqual({ 'events:source': 'false', 'events:detail-type': 'false' });
    expect(sources).toContain(values['events:source'][0]);
    for (const type of values['events:detail-type']) expect(type).toMatch(/^[A-Z]\w+$/);
  });

  it.each([
    ['RotateMachineUser', ['MachineCredentialsRotated']],
    ['NotifyCompletion', ['UserCreationFinished']],
  ])('of %s cover its own events, and none of a state machine', (id, types) => {
    const [found] = putting.filter(([title]) => title.includes(id));

    expect(found?.[1].Condition['ForAllValues:StringEquals']).toMatchObject({ 'events:detail-type': types });
  });
});

describe('the permissions of AWS services', () => {
  const BOUND = ['aws:SourceArn', 'aws:SourceAccount'];
  const isBound = ({ Condition }: Statement) =>
    Object.entries(Condition).some(
      ([operator, keys]) =>
        !operator.endsWith('IfExists') && Object.keys(keys).some((key) => BOUND.includes(key)),
    );

  /** Statements for a service principal without a source condition, by the type of their resource, with the reason. */
  const UNBOUND: readonly { type: string; service: string; actions: string[]; reason: string }[] = [
    ...['lambda', 'states', 'events', 'apigateway', 'appconfig'].map((name) => ({
      type: 'AWS::IAM::Role',
      service: `${name}.amazonaws.com`,
      actions: ['sts:AssumeRole'],
      reason: 'Passing the role to a service requires iam:PassRole in this account.',
    })),
    ...['events', 'delivery.logs'].map((name) => ({
      type: 'AWS::Logs::LogGroup',
      service: `${name}.amazonaws.com`,
      actions: ['logs:CreateLogStream'],
      reason: 'The action creates empty streams only; writing events is bound to the rule.',
    })),
  ];

  const granted = all.flatMap(({ title, type, statements }) =>
    statements.flatMap((one) => {
      const services =
        one.Effect === 'Allow' && typeof one.Principal === 'object' ? (one.Principal.Service ?? []) : [];
      return services.map((service) => ({ title, type, service, one }));
    }),
  );

  it.each(granted.map((grant) => [`${grant.title}: ${grant.service}`, grant] as const))(
    'are bound to their source, or have an exception: %s',
    (_title, { type, service, one }) => {
      const reason = UNBOUND.find(
        (listed) =>
          listed.type === type &&
          listed.service === service &&
          one.Action.every((action) => listed.actions.includes(action)),
      )?.reason;

      expect([isBound(one), reason !== undefined]).toContain(true);
    },
  );

  it('have no unused exception', () => {
    for (const { type, service } of UNBOUND)
      if (service !== 'appconfig.amazonaws.com')
        expect([type, service, granted.some((one) => one.type === type && one.service === service)]).toEqual([
          type,
          service,
          true,
        ]);
  });

  it.each(
    all.filter(({ type }) => type === 'AWS::Lambda::Permission').map((one) => [one.title, one] as const),
  )('allow invocations by the source only: %s', (_title, { properties }) => {
    expect(properties['SourceArn'] ?? properties['SourceAccount']).toBeDefined();
    if (properties['Principal'] === 'secretsmanager.amazonaws.com')
      expect([properties['SourceArn'], properties['SourceAccount']]).toEqual([
        expect.anything(),
        expect.anything(),
      ]);
  });

  it('of the log of a bus apply to the rule to the log only', () => {
    const writing = all
      .filter(({ type }) => type === 'AWS::Logs::LogGroup')
      .flatMap(({ statements }) => statements)
      .filter(({ Action }) => Action.includes('logs:PutLogEvents'));

    expect(writing.length).toBeGreaterThan(0);
    for (const { Condition } of writing) expect(Condition['ArnEquals']).toHaveProperty('aws:SourceArn');
  });
});
