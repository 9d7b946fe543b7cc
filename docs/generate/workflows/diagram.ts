import type { Machine, State, States } from '../../../workflows/asl.ts';

/**
 * A state machine as a Mermaid flowchart: thick arrows show the successful path, dotted arrows where an error leads. A Map
 * is a box with the states of an iteration. The diagram omits retries.
 * mermaid.js.org/syntax/flowchart.html
 */
export function diagram(machine: Machine): string {
  return [
    'flowchart TD',
    `  start(( )) ==> ${machine.StartAt}`,
    ...linesOf(machine),
    '  classDef good stroke:#2a2,stroke-width:2px',
    '  classDef bad stroke:#c22,stroke-width:2px',
  ].join('\n');
}

const linesOf = ({ States }: States): string[] =>
  Object.entries(States).flatMap(([name, state]) => linesOfState(name, state));

function linesOfState(name: string, state: State): string[] {
  switch (state.Type) {
    case 'Succeed':
      return [`  ${name}([${name}]):::good`];
    case 'Fail':
      return [`  ${name}([${name}]):::bad`];
    case 'Wait':
      return [`  ${name}>${name}] ==> ${state.Next}`];
    case 'Choice':
      return [
        `  ${name}{${name}} ==> ${state.Default}`,
        ...state.Choices.map(({ Condition, Next }) => `  ${name} == "${Condition}" ==> ${Next}`),
      ];
    case 'Map':
      return [
        `  subgraph ${name} ["${name}: for each target"]`,
        ...linesOf(state.ItemProcessor).map((line) => `  ${line}`),
        '  end',
        ...arrowsFrom(name, state),
      ];
    default:
      return arrowsFrom(name, state);
  }
}

const arrowsFrom = (name: string, { Next, Catch }: Extract<State, { Type: 'Task' | 'Map' }>): string[] => [
  ...(Next === undefined ? [] : [`  ${name} ==> ${Next}`]),
  ...Catch.map(({ ErrorEquals, Next }) => `  ${name} -. ${labelOf(ErrorEquals)} .-> ${Next}`),
];

const labelOf = (errors: string[]): string =>
  errors.includes('States.ALL') ? 'any error' : errors.join(', ');
