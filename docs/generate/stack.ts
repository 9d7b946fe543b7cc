import * as z from 'zod';
import type { ServiceKind } from '../../contracts/services.ts';
import type { Template } from '../../infra/templates.ts';

/** Reads a service's resources from its template: functions, routes, rules, state machines, by their names. */

type Resource = Template['Resources'][string];

const statement = z.looseObject({
  Action: z.union([z.string(), z.array(z.string())]).transform((actions) => [actions].flat()),
  Resource: z.unknown(),
});
const policy = z.looseObject({
  PolicyDocument: z.looseObject({ Statement: z.array(statement) }),
  Roles: z.array(z.object({ Ref: z.string() })),
});
const environment = z.object({ Variables: z.record(z.string(), z.unknown()) });
const attributeOf = z.object({ 'Fn::GetAtt': z.tuple([z.string(), z.string()]) });

/** The property with the name of a resource, by type. */
const NAME_OF: Record<string, string> = {
  'AWS::Lambda::Function': 'FunctionName',
  'AWS::StepFunctions::StateMachine': 'StateMachineName',
  'AWS::Events::EventBus': 'Name',
  'AWS::Events::Rule': 'Name',
  'AWS::SQS::Queue': 'QueueName',
  'AWS::SecretsManager::Secret': 'Name',
  'AWS::ApiGateway::RestApi': 'Name',
  'AWS::Logs::LogGroup': 'LogGroupName',
  'AWS::CloudWatch::Alarm': 'AlarmName',
  'AWS::Events::Archive': 'ArchiveName',
};

/** Other callers of functions, by the type of the resource that configures them. */
const OTHER_CALLERS: readonly (readonly [RegExp, string])[] = [
  [/^AWS::ApiGateway::Authorizer$/, 'the API, as its authorizer'],
  [/^AWS::SecretsManager::RotationSchedule$/, 'Secrets Manager, to rotate'],
  [/^Custom::/, 'the deployment'],
];

export function stackOf(service: ServiceKind, template: Template) {
  const { Resources } = template;
  const ofType = (type: string): [string, Resource][] =>
    Object.entries(Resources).filter(([, { Type }]) => Type === type);
  const aliases = new Map(
    ofType('AWS::KMS::Alias').flatMap(([, { Properties }]) =>
      [...referencesIn(Properties['TargetKeyId'])].map((key) => [key, String(Properties['AliasName'])]),
    ),
  );

  /** The name of a resource: its alias or fixed name, or else its logical id without the hash. */
  const nameOf = (id: string): string => {
    const { Type = '', Properties = {} } = Resources[id] ?? {};
    const own = Properties[NAME_OF[Type] ?? ''];
    if (aliases.has(id)) return aliases.get(id) ?? id;
    return typeof own === 'string' ? own : id.replace(/(Resource|Default)?[0-9A-F]{8}$/, '');
  };

  /** The short form of an ARN of a template: type and name. */
  const shortArn = (arn: unknown): string =>
    flat(arn, nameOf)
      .replace(/^arn:[^:]*:[^:]*:[^:]*:[^:]*:/, '')
      .replace(/^(stateMachine|function|parameter|queue|event-bus|rule|key)[:/]/, '');

  const functions = ofType('AWS::Lambda::Function').map(([id, { Properties }]) => {
    const [role = ''] = attributeOf.parse(Properties['Role'])['Fn::GetAtt'];
    const permissions = ofType('AWS::IAM::Policy')
      .map(([, { Properties: own }]) => policy.parse(own))
      .filter(({ Roles }) => Roles.some(({ Ref }) => Ref === role))
      .flatMap(({ PolicyDocument }) => PolicyDocument.Statement)
      .map(({ Action, Resource }) => ({
        actions: Action,
        on: z.array(z.unknown()).catch([Resource]).parse(Resource).map(shortArn),
      }));
    const variables = environment.parse(Properties['Environment']).Variables;
    /** A function calls targets if its registry has the URLs of their APIs. */
    const callsTarget = JSON.stringify(variables['TARGETS'] ?? '').includes('api_url');
    return { id, name: nameOf(id), callsTarget, seconds: z.int().parse(Properties['Timeout']), permissions };
  });
  const functionIds = new Map(functions.map(({ id, name }) => [id, name]));
  const functionsIn = (value: unknown): string[] => [
    ...new Set([...referencesIn(value)].flatMap((id) => functionIds.get(id) ?? [])),
  ];

  const pathOf = (id: string): string => {
    const { Properties = {} } = Resources[id] ?? {};
    const [parent = ''] = referencesIn(Properties['ParentId']);
    const above = Resources[parent]?.Type === 'AWS::ApiGateway::Resource' ? pathOf(parent) : '';
    return `${above}/${String(Properties['PathPart'])}`;
  };
  const routes = ofType('AWS::ApiGateway::Method').map(([, { Properties }]) => ({
    route: `${String(Properties['HttpMethod'])} ${[...referencesIn(Properties['ResourceId'])].map(pathOf).join('')}`,
    to: functionsIn(Properties['Integration']),
  }));

  const rules = ofType('AWS::Events::Rule').map(([id, { Properties }]) => ({
    name: nameOf(id),
    when:
      typeof Properties['ScheduleExpression'] === 'string' ? Properties['ScheduleExpression'] : 'an event',
    about: flat(Properties['Description'], nameOf),
    to: functionsIn(Properties['Targets']),
  }));

  const others = Object.values(Resources).flatMap(({ Type, Properties }) => {
    const caller = OTHER_CALLERS.find(([kind]) => kind.test(Type))?.[1];
    return caller === undefined ? [] : [{ caller, to: functionsIn(Properties) }];
  });

  const machines = ofType('AWS::StepFunctions::StateMachine').map(([id, { Properties }]) => ({
    name: nameOf(id),
    calls: functionsIn(Properties['DefinitionString']),
    buses: ofType('AWS::Events::EventBus')
      .filter(([bus]) => referencesIn(Properties['DefinitionString']).has(bus))
      .map(([bus]) => nameOf(bus)),
  }));

  /** All resources of a type. */
  const resourcesOf = (type: string) =>
    ofType(type).map(([id, { Properties, DeletionPolicy = 'Delete' }]) => ({
      name: nameOf(id),
      properties: Properties,
      isRetained: DeletionPolicy.startsWith('Retain'),
    }));

  return { service, functions, routes, rules, others, machines, resourcesOf };
}
export type Stack = ReturnType<typeof stackOf>;

/** The logical ids that a part of a template references. */
function referencesIn(value: unknown): Set<string> {
  const found = new Set<string>();
  const text = JSON.stringify(value) ?? '';
  for (const [, id = ''] of text.matchAll(/\{"(?:Ref|Fn::GetAtt)":\[?"([^"]+)"/g)) found.add(id);
  return found;
}

/** A value of a template as text: names instead of references. */
function flat(value: unknown, nameOf: (id: string) => string): string {
  if (typeof value === 'string') return value;
  const join = z.object({ 'Fn::Join': z.tuple([z.string(), z.array(z.unknown())]) }).safeParse(value);
  if (join.success) {
    const [between, parts] = join.data['Fn::Join'];
    return parts.map((part) => flat(part, nameOf)).join(between);
  }
  const attribute = attributeOf.safeParse(value);
  if (attribute.success) return nameOf(attribute.data['Fn::GetAtt'][0]);
  const reference = z.object({ Ref: z.string() }).safeParse(value);
  if (!reference.success) return '…';
  const { Ref } = reference.data;
  return Ref.startsWith('AWS::') ? Ref.slice('AWS::'.length).toLowerCase() : nameOf(Ref);
}
