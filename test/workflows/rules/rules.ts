import { MAX_TARGETS_PER_REQUEST } from '../../../contracts/app1-api.ts';
import { codeOf, expressionsOf, misplaced, type Used, unknownFunctions, usedBy } from './expressions.ts';
import { allStates, assignedBy, inner, type State, type States, successors } from './states.ts';

/** A rule of AWS that the validators of the language do not check. */
export interface Rule {
  name: string;
  /** The page of AWS with the rule, below docs.aws.amazon.com/step-functions/latest/. */
  page: string;
  /** Violations as sentences, each with its state. */
  check(machine: States): string[];
}

const LONGEST_NAME = 80;
/** Unicode identifiers, as variables have (unicode.org/reports/tr31). */
const IDENTIFIER = /^[\p{ID_Start}_][\p{ID_Continue}]*$/u;
const MOST_EVENTS = 25_000;
const LARGEST_DEFINITION = 1024 * 1024;

const codePoints = (text: string): number => [...text].length;

/** Calls `use` with each state and the names of the variables of its own and of the outer scopes. */
function eachState(
  machine: States,
  use: (name: string, state: State, own: Set<string>, outer: Set<string>) => string[],
  outer = new Set<string>(),
): string[] {
  const own = new Set(Object.values(machine.States).flatMap(assignedBy).flatMap(Object.keys));
  return Object.entries(machine.States).flatMap(([name, state]) => [
    ...use(name, state, own, outer),
    ...inner(state).flatMap((one) => eachState(one, use, new Set([...outer, ...own]))),
  ]);
}

/** Calls `use` with each expression that can be parsed. */
function eachExpression(
  machine: States,
  use: (used: Used, at: string, state: State, known: Set<string>) => string[],
): string[] {
  return eachState(machine, (name, state, own, outer) =>
    expressionsOf(state).flatMap(({ at, text }) => {
      const used = readable(text);
      const known = new Set([...own, ...outer]);
      return used === undefined ? [] : use(used, at, state, known).map((what) => `${name}.${at}: ${what}`);
    }),
  );
}

function readable(text: string): Used | undefined {
  const code = codeOf(text);
  if (code === undefined) return undefined;
  try {
    return usedBy(code);
  } catch {
    return undefined; // a rule of its own reports it
  }
}

/** Most events of a state: entered, the events of each attempt with those of inner states, exited. */
function mostEvents(state: State): number {
  const attempts = state.Retry.reduce((sum, { MaxAttempts }) => sum + MaxAttempts, 1);
  const perAttempt = state.Type !== 'Task' ? 0 : state.Resource?.endsWith('.waitForTaskToken') ? 4 : 3;
  const inside = inner(state).reduce((sum, one) => sum + mostEventsFrom(one, one.StartAt), 0);
  // Started and ended, as each iteration.
  const iterations = state.Type === 'Map' ? 2 + MAX_TARGETS_PER_REQUEST * (2 + inside) : inside;
  return 2 + attempts * (perAttempt + iterations);
}

/** Most events from a state to a final state, over all paths; infinite with a loop. */
function mostEventsFrom(machine: States, name: string, before: readonly string[] = []): number {
  const state = machine.States[name];
  if (state === undefined || before.includes(name)) return Number.POSITIVE_INFINITY;
  const after = successors(state).map((next) => mostEventsFrom(machine, next, [...before, name]));
  return mostEvents(state) + Math.max(0, ...after);
}

export const rules: readonly Rule[] = [
  {
    name: 'each name of a state has at most 80 characters and is unique',
    page: 'dg/statemachine-structure.html',
    check(machine) {
      const names = allStates(machine).map(([name]) => name);
      return [
        ...names.filter((name) => codePoints(name) > LONGEST_NAME).map((name) => `${name} is too long`),
        ...names
          .filter((name, index) => names.indexOf(name) !== index)
          .map((name) => `${name} is not unique`),
      ];
    },
  },
  {
    name: 'each name of a variable is an identifier of at most 80 characters, and not `states`',
    page: 'dg/workflow-variables.html',
    check: (machine) =>
      eachState(machine, (state, one) =>
        assignedBy(one)
          .flatMap(Object.keys)
          .filter((name) => !IDENTIFIER.test(name) || codePoints(name) > LONGEST_NAME || name === 'states')
          .map((name) => `${state} assigns ${name}, which is not a valid name`),
      ),
  },
  {
    name: 'a state inside a Map or Parallel sets no variable of an outer scope',
    page: 'dg/workflow-variables.html',
    check: (machine) =>
      eachState(machine, (state, one, _own, outer) =>
        assignedBy(one)
          .flatMap(Object.keys)
          .filter((name) => outer.has(name))
          .map((name) => `${state} assigns ${name}, which is a variable of an outer scope`),
      ),
  },
  {
    name: 'each variable that is read is set in the same scope or an outer scope',
    page: 'dg/workflow-variables.html',
    check: (machine) =>
      eachExpression(machine, ({ variables }, _at, _state, known) =>
        variables.filter((name) => !known.has(name)).map((name) => `$${name} is not set in this scope`),
      ),
  },
  {
    name: 'each expression fills its text from `{%` to `%}` and is JSONata 2.0.6',
    page: 'dg/transforming-data.html',
    check: (machine) =>
      eachState(machine, (name, state) =>
        expressionsOf(state)
          .filter(({ text }) => readable(text) === undefined)
          .map(({ at }) => `${name}.${at} cannot be parsed`),
      ),
  },
  {
    name: 'each function exists in Step Functions',
    page: 'dg/transforming-data.html',
    check: (machine) =>
      eachExpression(machine, (used) => unknownFunctions(used).map((name) => `$${name} does not exist`)),
  },
  {
    name: 'an expression does not start with a plain name, `$` or `$$`',
    page: 'dg/transforming-data.html',
    check: (machine) =>
      eachExpression(machine, ({ unqualified }) => unqualified.map((name) => `${name} has no context`)),
  },
  {
    name: '`$states` is read only at positions that have the value',
    page: 'dg/transforming-data.html',
    check: (machine) => eachExpression(machine, misplaced),
  },
  {
    name: '`States.ALL` is alone in its list and last',
    page: 'dg/concepts-error-handling.html',
    check: (machine) =>
      eachState(machine, (name, state) =>
        (['Retry', 'Catch'] as const).flatMap((field) =>
          state[field]
            .filter(
              ({ ErrorEquals }, index) =>
                ErrorEquals.includes('States.ALL') &&
                (ErrorEquals.length > 1 || index < state[field].length - 1),
            )
            .map(() => `${name}.${field} has States.ALL beside or before others`),
        ),
      ),
  },
  {
    name: 'the history has at most 25,000 events with every retry used up',
    page: 'dg/service-quotas.html',
    check(machine) {
      const most = mostEventsFrom(machine, machine.StartAt) + 2;
      return most < MOST_EVENTS ? [] : [`${most} events`];
    },
  },
  {
    name: 'the definition has at most 1 MiB',
    page: 'dg/service-quotas.html',
    check(machine) {
      const size = Buffer.byteLength(JSON.stringify(machine));
      return size <= LARGEST_DEFINITION ? [] : [`${size} bytes`];
    },
  },
];
