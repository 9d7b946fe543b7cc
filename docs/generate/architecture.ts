import { functionNamed } from '../../infra/names.ts';
import { templates } from '../../infra/templates.ts';
import { type Machine, successfulPath } from '../../workflows/asl.ts';
import { importsBelow } from './imports.ts';
import { type Stack, stackOf } from './stack.ts';
import { definitions } from './workflows/definitions.ts';

/** Generates docs/architecture.md from the templates, the state machine definitions and the imports of the code. */

export const architecturePage = 'docs/architecture.md';

/** The deployed folders, which the diagram of the folders contains. */
const PARTS = ['contracts', 'workflows', 'handlers', 'infra', 'package'] as const;

/** Permissions that every function has, which the tables omit. */
const EVERY_FUNCTION = /^(logs:(CreateLogStream|PutLogEvents)|xray:\w+)$/;

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
const mermaid = (lines: readonly string[]): string => ['```mermaid', ...lines, '```'].join('\n');
const code = (text: string): string => `\`${text}\``;
const boxOf = (name: string): string => name.replace(/\W/g, '_');
const shortOf = (name: string): string => name.replace(/^app[12]-/, '');

/** A diagram of the triggers of one service: what invokes each function and starts each state machine. */
function triggers({ service, routes, rules, machines, functions }: Stack): string {
  const box = (name: string) => `${service}_${boxOf(name)}`;
  const fn = (name: string) => `${box(name)}[${shortOf(name)}]`;
  const machineNames = machines.map(({ name }) => name);
  const starts = functions.flatMap(({ name, permissions }) =>
    permissions
      .filter(({ actions }) => actions.includes('states:StartExecution'))
      .flatMap(({ on }) => machineNames.filter((machine) => on.includes(machine)))
      .map((machine) => `  ${fn(name)} -- starts --> ${box(machine)}[[${machine}]]`),
  );
  return mermaid([
    'flowchart LR',
    ...routes.flatMap(({ route, to }) =>
      to.map((name) => `  ${service}_api{{API}} -- "${route}" --> ${fn(name)}`),
    ),
    ...rules.flatMap(({ name, when, to }) =>
      to.map(
        (target) =>
          `  ${box(name)}>"${when === 'an event' ? 'a rule on an event' : when}"] --> ${fn(target)}`,
      ),
    ),
    ...starts,
    ...functions
      .filter(({ callsTarget }) => callsTarget)
      .map(({ name }) => `  ${fn(name)} -- "HTTPS, JWT" --> ${service}_app2{{API of App2}}`),
    ...machines.flatMap(({ name, calls, buses }) => [
      ...calls.map((target) => `  ${box(name)}[[${name}]] --> ${fn(target)}`),
      ...buses.map((bus) => `  ${box(name)}[[${name}]] -- events --> ${box(bus)}[(${bus})]`),
    ]),
  ]);
}

/** Names of the states of a state machine on its successful path. The states of an iteration stand for their Map. */
const pathOf = (machine: Machine): string[] =>
  successfulPath(machine).flatMap(([name, { Type }]) => (Type === 'Map' ? [] : [name]));

function oneRequest(): string {
  const { ProvisionServiceUser, CreateServiceUser } = definitions();
  if (ProvisionServiceUser === undefined || CreateServiceUser === undefined)
    throw new Error('The templates lack a state machine.');
  const chain = (prefix: string, names: string[]) =>
    names.map((name, n) => `    ${n === 0 ? '' : `${prefix}${names[n - 1]} --> `}${prefix}${name}[${name}]`);
  return mermaid([
    'flowchart LR',
    '  caller([caller]) -- "POST, SigV4" --> a_PublishRequested'.replace(
      'PublishRequested',
      ProvisionServiceUser.StartAt,
    ),
    '  subgraph App1',
    ...chain('a_', pathOf(ProvisionServiceUser)),
    '  end',
    '  subgraph App2',
    ...chain('b_', pathOf(CreateServiceUser)),
    '  end',
    `  a_RequestUserCreation -- "POST, JWT; waits for the outcome" --> b_${CreateServiceUser.StartAt}`,
  ]);
}

/** The function that only an operator invokes. */
const REVOKE = functionNamed('app2', 'revoke-machine-credentials');

function functionsOf({ functions, routes, rules, others, machines }: Stack): string {
  const calledBy = (name: string) => [
    ...routes.filter(({ to }) => to.includes(name)).map(({ route }) => code(route)),
    ...machines.filter(({ calls }) => calls.includes(name)).map((machine) => machine.name),
    ...rules
      .filter(({ to }) => to.includes(name))
      .map(({ when }) => (when === 'an event' ? 'a rule' : code(when))),
    ...others.filter(({ to }) => to.includes(name)).map(({ caller }) => caller),
    ...(name === REVOKE ? ['an operator, by `provision revoke-machine-credentials`'] : []),
    ...functions
      .filter(({ permissions }) =>
        permissions.some(({ actions, on }) => actions.includes('lambda:InvokeFunction') && on.includes(name)),
      )
      .map((other) => code(shortOf(other.name))),
  ];
  return table(
    ['Function', 'Invoked by', 'Permissions', 'Timeout (s)'],
    functions
      .filter(({ name }) => /^app[12]-/.test(name))
      .map(({ name, permissions, seconds }) => [
        code(shortOf(name)),
        calledBy(name).join(', '),
        permissions
          .map(({ actions, on }) => ({
            actions: actions.filter((action) => !EVERY_FUNCTION.test(action)),
            on,
          }))
          .filter(({ actions }) => actions.length > 0)
          .map(({ actions, on }) => `${actions.map(code).join(' ')} on ${on.map(code).join(', ')}`)
          .join('; ') || 'none',
        String(seconds),
      ]),
  );
}

const STATEFUL_TYPES: readonly (readonly [type: string, kind: string])[] = [
  ['AWS::StepFunctions::StateMachine', 'state machine'],
  ['AWS::Events::EventBus', 'event bus'],
  ['AWS::Events::Archive', 'archive of the bus'],
  ['AWS::SQS::Queue', 'queue'],
  ['AWS::Cognito::UserPool', 'user pool'],
  ['AWS::SecretsManager::Secret', 'secret'],
  ['AWS::KMS::Key', 'key'],
  ['AWS::DynamoDB::Table', 'table'],
  ['AWS::SNS::Topic', 'topic'],
];

function statefulResources(stacks: readonly Stack[]): string {
  return table(
    ['Service', 'Resource', 'Name', 'When the stack is deleted'],
    stacks.flatMap(({ service, resourcesOf }) =>
      STATEFUL_TYPES.flatMap(([type, kind]) =>
        resourcesOf(type).map(({ name, isRetained }) => [
          service,
          kind,
          code(name),
          isRetained ? 'retained' : 'deleted',
        ]),
      ),
    ),
  );
}

/** The folder of a file in the diagram of the folders; `undefined` for other folders. */
function folderOf(file: string): string | undefined {
  const [part = '', next = ''] = file.split('/');
  if (!PARTS.some((known) => known === part)) return undefined;
  return ['handlers', 'workflows'].includes(part) && /^(app1|app2|shared)$/.test(next)
    ? `${part}/${next}`
    : part;
}

function folders(): string {
  const edges = new Set(
    importsBelow(PARTS).flatMap(({ from, to }) => {
      const [one, other] = [folderOf(from), folderOf(to)];
      return one === undefined || other === undefined || one === other
        ? []
        : [`  ${boxOf(one)}["${one}/"] --> ${boxOf(other)}["${other}/"]`];
    }),
  );
  return mermaid(['flowchart TD', ...[...edges].sort()]);
}

export function architectureDocument(): string {
  const synthesized = templates({ environment: 'aws' });
  const stacks = [stackOf('app1', synthesized.app1), stackOf('app2', synthesized.app2)] as const;
  const [app1, app2] = stacks;
  return `# Architecture

Generated from the templates, the state machine definitions and the imports of the code by \`npm run generate\`; do not edit.

The system consists of two services of two teams. App1 accepts requests of its callers and has users created at App2, which
owns the user pool. The services share only a contract (\`contracts/\`). [Decisions](decisions/README.md) has the reasons, and
[security](security.md) the assets and threats.

## One request

The diagram shows the successful path. Each box is a state that is retried. From the first state with an effect on, an error
leads to a compensation: [workflows](workflows.md) shows these paths, too. [Failures](failures.md) shows the result of each
fault.

${oneRequest()}

## Triggers at App1

${triggers(app1)}

## Triggers at App2

${triggers(app2)}

## Stateful resources

All other resources (APIs, functions, rules, alarms) can be recreated from the code.

${statefulResources(stacks)}

Each service has one dead-letter queue for all of its rules and for the events that a function failed to process. The
execution of a workflow is the record of its provisioning. The tables contain temporary state: registered callbacks,
reservations of the rate limiters, high-water marks of the sweeps. No outcome of a provisioning depends on them.

## Permissions of the functions: App1

Each function has a role of its own. Beside the listed permissions it can only write its log and its trace.

${functionsOf(app1)}

## Permissions of the functions: App2

${functionsOf(app2)}

## Folders of the code

An arrow means "imports". App1 and App2 never import each other, and deployed code imports neither the local AWS nor a test.

${folders()}
`;
}
