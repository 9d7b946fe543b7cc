import jsonata from 'jsonata';
import * as z from 'zod';
import type { State } from './states.ts';

/**
 * JSONata functions of Step Functions: those of JSONata 2.0.6 without `$eval`, and its own.
 * docs.jsonata.org/2.0.0/string-functions and the pages after it;
 * docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html ("JSONata functions provided by Step Functions")
 */
const FUNCTIONS = new Set(
  [
    'string length substring substringBefore substringAfter uppercase lowercase trim pad contains split join match',
    'replace base64encode base64decode encodeUrlComponent encodeUrl decodeUrlComponent decodeUrl',
    'number abs floor ceil round power sqrt random formatNumber formatBase formatInteger parseInteger',
    'sum max min average count append sort reverse shuffle distinct zip',
    'boolean not exists keys lookup spread merge sift each error assert type',
    'now millis fromMillis toMillis map filter single reduce clone',
    'partition range hash uuid parse',
  ].flatMap((line) => line.split(' ')),
);

/** An expression and its path in the state: `Arguments`, `Catch.0.Assign`, … */
export interface Expression {
  at: string;
  text: string;
}

/** All texts of a state with `{%` or `%}`, without those of its inner states. */
export function expressionsOf(state: State): Expression[] {
  const own = Object.entries(state).filter(([field]) => field !== 'Branches' && field !== 'ItemProcessor');
  return own.flatMap(([field, value]) => textsIn(value, field)).filter(({ text }) => /\{%|%\}/.test(text));
}

function textsIn(value: unknown, at: string): Expression[] {
  if (typeof value === 'string') return [{ at, text: value }];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, one]) => textsIn(one, `${at}.${key}`));
}

/** The text between the delimiters; undefined without both delimiters. */
export const codeOf = (text: string): string | undefined => /^\{%(.*)%\}$/s.exec(text)?.[1];

const node = z.looseObject({ type: z.string().optional(), value: z.unknown().optional() });
type Node = z.infer<typeof node>;
const path = z.looseObject({ steps: z.array(node) });
const call = z.looseObject({ procedure: node });
const bind = z.looseObject({ lhs: z.looseObject({ value: z.string() }) });
const lambda = z.looseObject({ arguments: z.array(z.looseObject({ value: z.string() })) });

export interface Used {
  /** Functions that are called by name. */
  functions: string[];
  /** Variables that the expression reads and does not set itself; without the `$`. */
  variables: string[];
  /** Paths below `$states`: `context.Execution.Input.username`, … */
  states: string[];
  /** Names of fields without a context value, and `$` or `$$` outside a context. */
  unqualified: string[];
}

/** Functions, variables and paths in an expression. @throws Error if JSONata 2.0.6 cannot parse it */
export function usedBy(code: string): Used {
  const used: Used = { functions: [], variables: [], states: [], unqualified: [] };
  const own = new Set<string>();
  // `inside`: in a context, where `$` and plain names have a meaning.
  const visit = (value: unknown, inside: boolean): void => {
    if (Array.isArray(value)) {
      for (const one of value) visit(one, inside);
      return;
    }
    const parsed = node.safeParse(value);
    if (!parsed.success) return;
    const { data } = parsed;
    if (data.type === 'path') visitPath(path.parse(data).steps, inside);
    else if (data.type === 'variable') visitVariable(data, inside);
    else if (data.type === 'function' || data.type === 'partial') visitCall(data, inside);
    else {
      if (data.type === 'name' && !inside) used.unqualified.push(String(data.value));
      if (data.type === 'bind') own.add(bind.parse(data).lhs.value);
      if (data.type === 'lambda') for (const one of lambda.parse(data).arguments) own.add(one.value);
      visit(Object.values(data), inside || data.type === 'transform');
    }
  };
  const visitCall = (data: Node, inside: boolean): void => {
    const { procedure, ...others } = call.parse(data);
    const name = String(procedure.value);
    if (procedure.type === 'variable' && !own.has(name)) used.functions.push(name);
    else visit(procedure, inside);
    visit(Object.values(others), inside);
  };
  const visitPath = (steps: Node[], inside: boolean): void => {
    const [first, ...others] = steps;
    if (first?.type === 'variable' && first.value === 'states')
      used.states.push(others.map(({ value }) => (typeof value === 'string' ? value : '*')).join('.'));
    else visit(first, inside);
    for (const one of [first, ...others]) {
      const { stages, predicate } = z
        .looseObject({ stages: z.unknown().optional(), predicate: z.unknown().optional() })
        .parse(one ?? {});
      visit([stages, predicate], true);
    }
    visit(
      others.filter(({ type }) => type !== 'name'),
      true,
    );
  };
  const visitVariable = ({ value }: Node, inside: boolean): void => {
    const name = String(value);
    if (name === 'states') used.states.push('');
    else if (name === '' || name === '$') {
      if (!inside) used.unqualified.push(`$${name}`);
    } else if (FUNCTIONS.has(name)) return;
    else if (!own.has(name)) used.variables.push(name);
  };
  visit(jsonata(code).ast(), false);
  return used;
}

/** Functions that Step Functions does not have. */
export const unknownFunctions = ({ functions }: Used): string[] =>
  functions.filter((name) => !FUNCTIONS.has(name));

/** Paths below `$states` that are not available at the position of the expression, as sentences. */
export function misplaced({ states }: Used, at: string, state: State): string[] {
  const inCatch = at.startsWith('Catch.');
  const afterwards = /^(Assign|Output)/.test(at);
  const hasResult = ['Task', 'Parallel', 'Map'].includes(state.Type);
  return states.flatMap((read) => {
    if (read === 'errorOutput' || read.startsWith('errorOutput.'))
      return inCatch ? [] : ['$states.errorOutput is available in a Catch only'];
    if (read === 'result' || read.startsWith('result.'))
      return afterwards && hasResult
        ? []
        : ['$states.result is available in Assign and Output of a Task, Parallel or Map only'];
    if (read.startsWith('context.Map.'))
      return at.startsWith('ItemSelector')
        ? []
        : ['$states.context.Map is available in an ItemSelector only'];
    if (read.startsWith('context.Task.'))
      return at.startsWith('Arguments') && state.Resource?.endsWith('.waitForTaskToken')
        ? []
        : ['$states.context.Task is available in Arguments of a task that waits for its token only'];
    return /^(input|context)(\.|$)/.test(read) ? [] : [`$states has no ${read || 'value of its own'}`];
  });
}

/** A value of a state with its expressions evaluated. `$parse` is a function of Step Functions. */
export async function evaluated(value: unknown, bindings: Record<string, unknown>): Promise<unknown> {
  if (typeof value === 'string') {
    const code = codeOf(value);
    if (code === undefined) return value;
    const expression = jsonata(code);
    expression.registerFunction('parse', (json: string): unknown => JSON.parse(json), '<s:x>');
    return expression.evaluate({}, bindings);
  }
  if (Array.isArray(value)) return Promise.all(value.map((one) => evaluated(one, bindings)));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(
    async ([key, one]) => [key, await evaluated(one, bindings)] as const,
  );
  return Object.fromEntries(await Promise.all(entries));
}
