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
  Object.entries(States).flatMap(([name, state]) => [...shapeOf(name, state), ...arrowsFrom(name, state)]);

function shapeOf(name: string, state: State): string[] {
  switch (state.Type) {
    case 'Succeed':
      return [`  ${name}([${name}]):::good`];
    case 'Fail':
      return [`  ${name}([${name}]):::bad`];
    case 'Choice':
      return [`  ${name}{${name}}`];
    case 'Wait':
      return [`  ${name}>${name}]`];
    case 'Map':
      return [
        `  subgraph ${name} ["${name}: for each target"]`,
        ...linesOf(state.ItemProcessor).map((line) => `  ${line}`),
        '  end',
      ];
    default:
      return [`  ${name}[${name}]`];
  }
}

function arrowsFrom(name: string, state: State): string[] {
  const next = 'Next' in state && state.Next !== undefined ? [`  ${name} ==> ${state.Next}`] : [];
  if (state.Type === 'Choice')
    return [
      `  ${name} ==> ${state.Default}`,
      ...state.Choices.map(({ Condition, Next }) => `  ${name} == "${Condition}" ==> ${Next}`),
    ];
  if (state.Type !== 'Task' && state.Type !== 'Map') return next;
  return [
    ...next,
    ...state.Catch.map(({ ErrorEquals, Next }) => `  ${name} -. ${labelOf(ErrorEquals)} .-> ${Next}`),
  ];
}

const labelOf = (errors: string[]): string =>
  errors.includes('States.ALL') ? 'any error' : errors.join(', ');
