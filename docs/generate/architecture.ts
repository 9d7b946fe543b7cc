import { functionNamed } from '../../infra/names.ts';
import { templates } from '../../infra/templates.ts';
import type { Machine } from '../../workflows/asl.ts';
import { importsBelow } from './imports.ts';
import { type Stack, stackOf } from './stack.ts';
import { definitions } from './workflows/definitions.ts';

/** docs/architecture.md, from the templates that are deployed, the definitions in them, and the imports of the code. */

export const architecturePage = 'docs/architecture.md';

/** Folders of what is deployed, each with those of its folders that are worth a box. */
const PARTS = ['contracts', 'workflows', 'handlers', 'infra', 'examples'] as const;

/** Said of every function, so not said of each. */
const EVERY_FUNCTION = /^(logs:(CreateLogStream|PutLogEvents)|xray:\w+)$/;

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
const mermaid = (lines: readonly string[]): string => ['```mermaid', ...lines, '```'].join('\n');
const code = (text: string): string => `\`${text}\``;
const boxOf = (name: string): string => name.replace(/\W/g, '_');
const shortOf = (name: string): string => name.replace(/^app[12]-/, '');

/** What sets what in motion at one service. */
function movements({ service, routes, rules, machines, functions }: Stack): string {
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
      .filter(({ callsApp2 }) => callsApp2)
      .map(({ name }) => `  ${fn(name)} -- "HTTPS, JWT" --> ${service}_app2{{API of App2}}`),
    ...machines.flatMap(({ name, calls, buses }) => [
      ...calls.map((target) => `  ${box(name)}[[${name}]] --> ${fn(target)}`),
      ...buses.map((bus) => `  ${box(name)}[[${name}]] -- events --> ${box(bus)}[(${bus})]`),
    ]),
  ]);
}

/** The states of a machine on the way on which all goes well. */
function goodWay({ StartAt, States }: Machine): string[] {
  const way: string[] = [];
  for (let next: string | undefined = StartAt; next !== undefined; ) {
    way.push(next);
    const state: Machine['States'][string] | undefined = States[next];
    if (state?.Type === 'Task' || state?.Type === 'Wait') next = state.Next;
    else next = state?.Type === 'Choice' ? state.Default : undefined;
  }
  return way;
}

function oneRequest(): string {
  const { ProvisionServiceUser, CreateServiceUser } = definitions();
  if (ProvisionServiceUser === undefined || CreateServiceUser === undefined)
    throw new Error('There is no such machine.');
  const chain = (prefix: string, names: string[]) =>
    names.map((name, n) => `    ${n === 0 ? '' : `${prefix}${names[n - 1]} --> `}${prefix}${name}[${name}]`);
  return mermaid([
    'flowchart LR',
    '  caller([caller]) -- "POST, SigV4" --> a_PublishRequested'.replace(
      'PublishRequested',
      ProvisionServiceUser.StartAt,
    ),
    '  subgraph App1',
    ...chain('a_', goodWay(ProvisionServiceUser)),
    '  end',
    '  subgraph App2',
    ...chain('b_', goodWay(CreateServiceUser)),
    '  end',
    `  a_RequestUserCreation -- "POST, JWT; waits for the end" --> b_${CreateServiceUser.StartAt}`,
  ]);
}

/** The one function that nothing of the stacks calls. */
const REVOKE = functionNamed('app2', 'revoke-machine-credentials');

function functionsOf({ functions, routes, rules, others, machines }: Stack): string {
  const calledBy = (name: string) => [
    ...routes.filter(({ to }) => to.includes(name)).map(({ route }) => code(route)),
    ...machines.filter(({ calls }) => calls.includes(name)).map((machine) => machine.name),
    ...rules
      .filter(({ to }) => to.includes(name))
      .map(({ when }) => (when === 'an event' ? 'a rule' : code(when))),
    ...others.filter(({ to }) => to.includes(name)).map(({ words }) => words),
    ...(name === REVOKE ? ['an operator, by `provision revoke-machine-credentials`'] : []),
    ...functions
      .filter(({ permissions }) =>
        permissions.some(({ actions, on }) => actions.includes('lambda:InvokeFunction') && on.includes(name)),
      )
      .map((other) => code(shortOf(other.name))),
  ];
  return table(
    ['Function', 'Called by', 'May', 'Seconds'],
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
          .join('; ') || 'nothing',
        String(seconds),
      ]),
  );
}

const KEEPERS: readonly (readonly [type: string, what: string])[] = [
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

function keptThings(stacks: readonly Stack[]): string {
  return table(
    ['Service', 'What', 'Name', 'When the stack goes'],
    stacks.flatMap(({ service, things }) =>
      KEEPERS.flatMap(([type, what]) =>
        things(type).map(({ name, kept }) => [service, what, code(name), kept ? 'stays' : 'goes']),
      ),
    ),
  );
}

/** The folder of a file, as far as it has a box. */
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
  const made = templates({ target: 'aws' });
  const stacks = [stackOf('app1', made.app1), stackOf('app2', made.app2)] as const;
  const [app1, app2] = stacks;
  return `# Architecture

Generated from the templates that are deployed, from the definitions in them and from the imports of the code; do not edit.
\`npm run generate\` writes it again, and a test says when it is out of date.

Two services of two teams. App1 takes requests of its callers and has users made; App2 owns the user pool. They share a
contract (\`contracts/\`) and nothing else. Why it is so: [decisions](decisions/README.md). What is protected, and how:
[security](security.md).

## One request

The way when all goes well. Every box is a state that can be retried, and from each a dotted way leads to an undo:
[workflows](workflows.md) shows all of them. What happens after each fault: [failures](failures.md).

${oneRequest()}

## What sets what in motion at App1

${movements(app1)}

## What sets what in motion at App2

${movements(app2)}

## What is kept where

Everything else (APIs, functions, rules, alarms) can be made again from the code.

${keptThings(stacks)}

Each service has one dead-letter queue for all of its rules, and for what a function could not handle. A
workflow's execution is the record of its provisioning. The tables hold what is needed for a while: callbacks that wait,
reservations of the rate limiters, high-water marks of the sweeps. A provisioning is never decided by them.

## Who may do what: App1

Each function has a role of its own, and beside these permissions only those to write its log and its trace.

${functionsOf(app1)}

## Who may do what: App2

${functionsOf(app2)}

## The folders of the code

An arrow means "imports". App1 and App2 never import each other, and nothing that is deployed imports the local AWS or a test.

${folders()}
`;
}
