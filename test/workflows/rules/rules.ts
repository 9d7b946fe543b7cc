import { codeOf, expressionsOf, misplaced, type Used, unknownFunctions, usedBy } from './expressions.ts';
import { allStates, assignedBy, inner, type State, type States, successors } from './states.ts';

/** Something that AWS refuses, or fails at, and the validators of the language do not know. */
export interface Rule {
  name: string;
  /** The page of AWS that says so, below docs.aws.amazon.com/step-functions/latest/. */
  page: string;
  /** What is wrong, a sentence each, with the state that it is about. */
  check(machine: States): string[];
}

const LONGEST_NAME = 80;
/** Unicode identifiers, as variables have (unicode.org/reports/tr31). */
const IDENTIFIER = /^[\p{ID_Start}_][\p{ID_Continue}]*$/u;
const MOST_EVENTS = 25_000;
const LARGEST_DEFINITION = 1024 * 1024;

const codePoints = (text: string): number => [...text].length;

/** Calls back with each state and the names of the variables that are known outside of what it is in. */
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

/** Calls back with each expression that can be read. */
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
    return undefined; // what cannot be read is a rule of its own
  }
}

/** Entered, an attempt's events for each attempt, exited; of what is inside, all that can run. */
function mostEvents(state: State): number {
  const attempts = state.Retry.reduce((sum, { MaxAttempts }) => sum + MaxAttempts, 1);
  const perAttempt = state.Type !== 'Task' ? 0 : state.Resource?.endsWith('.waitForTaskToken') ? 4 : 3;
  const inside = inner(state).reduce((sum, one) => sum + mostEventsFrom(one, one.StartAt), 0);
  return 2 + attempts * (perAttempt + inside);
}

/** Most events from a state to an end, over every way that errors can take it; infinite where it can go round. */
function mostEventsFrom(machine: States, name: string, before: readonly string[] = []): number {
  const state = machine.States[name];
  if (state === undefined || before.includes(name)) return Number.POSITIVE_INFINITY;
  const after = successors(state).map((next) => mostEventsFrom(machine, next, [...before, name]));
  return mostEvents(state) + Math.max(0, ...after);
}

export const rules: readonly Rule[] = [
  {
    name: 'names of states have at most 80 characters, and each is there once',
    page: 'dg/statemachine-structure.html',
    check(machine) {
      const names = allStates(machine).map(([name]) => name);
      return [
        ...names.filter((name) => codePoints(name) > LONGEST_NAME).map((name) => `${name} is too long`),
        ...names
          .filter((name, index) => names.indexOf(name) !== index)
          .map((name) => `${name} is there twice`),
      ];
    },
  },
  {
    name: 'names of variables are identifiers of at most 80 characters, and not `states`',
    page: 'dg/workflow-variables.html',
    check: (machine) =>
      eachState(machine, (state, one) =>
        assignedBy(one)
          .flatMap(Object.keys)
          .filter((name) => !IDENTIFIER.test(name) || codePoints(name) > LONGEST_NAME || name === 'states')
          .map((name) => `${state} assigns ${name}, which is no name`),
      ),
  },
  {
    name: 'what runs inside a Map or Parallel sets no variable that is there outside of it',
    page: 'dg/workflow-variables.html',
    check: (machine) =>
      eachState(machine, (state, one, _own, outer) =>
        assignedBy(one)
          .flatMap(Object.keys)
          .filter((name) => outer.has(name))
          .map((name) => `${state} assigns ${name}, which is there outside`),
      ),
  },
  {
    name: 'a variable that is read is one that is set in the same scope or outside of it',
    page: 'dg/workflow-variables.html',
    check: (machine) =>
      eachExpression(machine, ({ variables }, _at, _state, known) =>
        variables.filter((name) => !known.has(name)).map((name) => `$${name} is not known here`),
      ),
  },
  {
    name: 'an expression fills its text from `{%` to `%}`, and is JSONata 2.0.6',
    page: 'dg/transforming-data.html',
    check: (machine) =>
      eachState(machine, (name, state) =>
        expressionsOf(state)
          .filter(({ text }) => readable(text) === undefined)
          .map(({ at }) => `${name}.${at} cannot be read`),
      ),
  },
  {
    name: 'functions are those that Step Functions has: no `$eval`, and its own six',
    page: 'dg/transforming-data.html',
    check: (machine) =>
      eachExpression(machine, (used) => unknownFunctions(used).map((name) => `there is no $${name}`)),
  },
  {
    name: 'an expression begins with no plain name, no `$` and no `$$`',
    page: 'dg/transforming-data.html',
    check: (machine) =>
      eachExpression(machine, ({ unqualified }) => unqualified.map((name) => `${name} is of nothing`)),
  },
  {
    name: '`$states` has a result, an error, a Map and a task token only where there is one',
    page: 'dg/transforming-data.html',
    check: (machine) => eachExpression(machine, misplaced),
  },
  {
    name: '`States.ALL` stands alone and last',
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
    name: 'the history has at most 25,000 events when every retry is used up',
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
