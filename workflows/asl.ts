import * as z from 'zod';

/**
 * The part of Amazon States Language that these workflows use.
 * docs.aws.amazon.com/step-functions/latest/dg/concepts-amazon-states-language.html
 */
const retrier = z.looseObject({
  ErrorEquals: z.array(z.string()),
  IntervalSeconds: z.number(),
  BackoffRate: z.number(),
  MaxAttempts: z.number(),
  MaxDelaySeconds: z.number(),
});

const catchers = z.array(z.looseObject({ ErrorEquals: z.array(z.string()), Next: z.string() }));

const task = z.looseObject({
  Type: z.literal('Task'),
  Resource: z.string(),
  TimeoutSeconds: z.number(),
  Retry: z.array(retrier),
  Catch: catchers,
  /** Absent in the last state of an iteration. */
  Next: z.string().optional(),
});
export type Task = z.infer<typeof task>;

const choice = z.looseObject({
  Type: z.literal('Choice'),
  Choices: z.array(z.looseObject({ Condition: z.string(), Next: z.string() })),
  Default: z.string(),
});

const wait = z.looseObject({ Type: z.literal('Wait'), Timestamp: z.string(), Next: z.string() });

const succeed = z.looseObject({ Type: z.literal('Succeed') });
const fail = z.looseObject({ Type: z.literal('Fail'), Error: z.string() });

const map = z.looseObject({
  Type: z.literal('Map'),
  Catch: catchers,
  Next: z.string(),
  get ItemProcessor() {
    return states;
  },
});

const state = z.discriminatedUnion('Type', [task, choice, wait, succeed, fail, map]);
export type State = z.infer<typeof state>;

/** The states of a state machine, or of an iteration of a Map. */
const states = z.looseObject({ StartAt: z.string(), States: z.record(z.string(), state) });
export type States = z.infer<typeof states>;

export const machine = states.extend({ TimeoutSeconds: z.number(), Comment: z.string() });
export type Machine = z.infer<typeof machine>;

/** All states with their names; those of the iterations of a Map after it. */
export const allStates = ({ States }: States): [string, State][] =>
  Object.entries(States).flatMap(([name, one]) => [
    [name, one],
    ...(one.Type === 'Map' ? allStates(one.ItemProcessor) : []),
  ]);

/** The next states of a state; empty for the last state of a machine or of an iteration. */
export function nextStates(one: State): string[] {
  switch (one.Type) {
    case 'Choice':
      return [one.Default, ...one.Choices.map(({ Next }) => Next)];
    case 'Wait':
      return [one.Next];
    case 'Succeed':
    case 'Fail':
      return [];
    default:
      return [...(one.Next === undefined ? [] : [one.Next]), ...one.Catch.map(({ Next }) => Next)];
  }
}

/**
 * The states that an execution enters if it succeeds, in their order: with the default of each Choice, and one iteration of
 * each Map.
 */
export function successfulPath({ StartAt, States }: States): [string, State][] {
  const path: [string, State][] = [];
  for (let name: string | undefined = StartAt; name !== undefined; ) {
    const one: State | undefined = States[name];
    if (one === undefined) throw new Error(`There is no state ${name}.`);
    path.push([name, one], ...(one.Type === 'Map' ? successfulPath(one.ItemProcessor) : []));
    name = one.Type === 'Choice' ? one.Default : nextOf(one);
  }
  return path;
}

const nextOf = (one: State): string | undefined =>
  one.Type === 'Task' || one.Type === 'Wait' || one.Type === 'Map' ? one.Next : undefined;
