import * as z from 'zod';

/** The part of Amazon States Language in JSONata that the rules read, more than these workflows use. */

const errorNames = z.array(z.string());
const retrier = z.looseObject({
  ErrorEquals: errorNames,
  IntervalSeconds: z.number().default(1),
  MaxAttempts: z.number().default(3),
});
const catcher = z.looseObject({
  ErrorEquals: errorNames,
  Next: z.string(),
  Assign: z.record(z.string(), z.unknown()).optional(),
});

const state = z.looseObject({
  Type: z.string(),
  Resource: z.string().optional(),
  Next: z.string().optional(),
  Default: z.string().optional(),
  Choices: z.array(z.looseObject({ Next: z.string().optional() })).default([]),
  Retry: z.array(retrier).default([]),
  Catch: z.array(catcher).default([]),
  Assign: z.record(z.string(), z.unknown()).optional(),
  get Branches() {
    return z.array(states).default([]);
  },
  get ItemProcessor() {
    return states.optional();
  },
});
export const states = z.looseObject({ StartAt: z.string(), States: z.record(z.string(), state) });

export type States = z.infer<typeof states>;
export type State = z.infer<typeof state>;

/** Inner states: the branches of a Parallel, the item processor of a Map. */
export const inner = ({ Branches, ItemProcessor }: State): States[] => [
  ...Branches,
  ...(ItemProcessor === undefined ? [] : [ItemProcessor]),
];

/** All states of a state machine with their names, inner states included. */
export function allStates({ States: own }: States): [string, State][] {
  return Object.entries(own).flatMap(([name, one]) => [[name, one], ...inner(one).flatMap(allStates)]);
}

/** The variables that a state sets: its own, and those of its catchers and choices. */
export const assignedBy = ({ Assign, Catch, Choices }: State): Record<string, unknown>[] =>
  [Assign, ...Catch.map((one) => one.Assign), ...Choices.map((one) => one['Assign'])].flatMap((one) => {
    const assigned = z.record(z.string(), z.unknown()).safeParse(one);
    return assigned.success ? [assigned.data] : [];
  });

/** The next states after success or error. */
export const successors = ({ Next, Default, Choices, Catch }: State): string[] =>
  [Next, Default, ...Choices.map((one) => one.Next), ...Catch.map((one) => one.Next)].flatMap((next) =>
    next === undefined ? [] : [next],
  );
