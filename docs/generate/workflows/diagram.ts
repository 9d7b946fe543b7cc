import type { Machine } from '../../../workflows/asl.ts';

/**
 * A state machine as a Mermaid flowchart: thick arrows show the successful path, dotted arrows where an error leads. The
 * diagram omits retries.
 * mermaid.js.org/syntax/flowchart.html
 */
export function diagram({ StartAt, States }: Machine): string {
  const lines = Object.entries(States).flatMap(([name, state]) => {
    if (state.Type === 'Succeed') return [`  ${name}([${name}]):::good`];
    if (state.Type === 'Fail') return [`  ${name}([${name}]):::bad`];
    if (state.Type === 'Choice')
      return [
        `  ${name}{${name}} ==> ${state.Default}`,
        ...state.Choices.map(({ Condition, Next }) => `  ${name} == "${Condition}" ==> ${Next}`),
      ];
    if (state.Type === 'Wait') return [`  ${name}>${name}] ==> ${state.Next}`];
    return [
      `  ${name} ==> ${state.Next}`,
      ...state.Catch.map(({ ErrorEquals, Next }) => `  ${name} -. ${labelOf(ErrorEquals)} .-> ${Next}`),
    ];
  });
  return [
    'flowchart TD',
    `  start(( )) ==> ${StartAt}`,
    ...lines,
    '  classDef good stroke:#2a2,stroke-width:2px',
    '  classDef bad stroke:#c22,stroke-width:2px',
  ].join('\n');
}

const labelOf = (errors: string[]): string =>
  errors.includes('States.ALL') ? 'any error' : errors.join(', ');
