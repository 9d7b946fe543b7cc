import * as z from 'zod';
import { failureReport } from '../contracts/failures.ts';
import { service } from '../contracts/services.ts';
import { userPresence } from '../contracts/status.ts';

/** What the server tells the page: its JSON, checked on both sides. */

const time = z.iso.datetime();
/** Any JSON, as Step Functions has it. */
const json = z.unknown();
/** Milliseconds after which asking again makes sense. */
const pause = z.int();

export const executionStatus = z.enum([
  'RUNNING',
  'SUCCEEDED',
  'FAILED',
  'ABORTED',
  'TIMED_OUT',
  'PENDING_REDRIVE',
]);

/** Why it failed: the row of contracts/failures.ts, with the name of the error itself. */
export const failure = failureReport.extend({ service, error: z.string() });
export type Failure = z.infer<typeof failure>;

/**
 * What of a provisioning is still there and should not be:
 * `user` one may be, and nothing is running that removes it; `announcement` the event that tells the end was not
 * published; `unknown` one of the executions cannot be read (yet).
 */
export const leftBehind = z.enum(['nothing', 'user', 'announcement', 'unknown']);
export type LeftBehind = z.infer<typeof leftBehind>;

/** One provisioning in the list. */
export const summary = z.strictObject({
  provisioning_id: z.string(),
  /** Absent until its input was read, and when it was cancelled before its request came. */
  username: z.string().optional(),
  human_user_id: z.string().optional(),
  /** Status of App1's execution, or of App2's when App1 has none here. */
  status: executionStatus,
  /** Whether any of its executions is running, a roll-back for example. */
  running: z.boolean(),
  started_at: time,
  /** When the execution that the status is about has ended. */
  stopped_at: time.optional(),
  /** Why, as each service tells it; App1's is what the caller is told, App2's is nearer to the cause. */
  failures: z.array(failure),
  /** Absent until it was read. */
  user: userPresence.optional(),
  left: leftBehind,
  /** How many executions of the roll-back machines there are. */
  roll_backs: z.int(),
  /** What to do about it, most urgent first. */
  remedies: z.array(z.string()),
});
export type Summary = z.infer<typeof summary>;

export const listing = z.strictObject({
  now: time,
  /** Where it was read: "local AWS" or account and region. */
  where: z.string(),
  /** Which services are there: of two accounts one sees one. */
  services: z.array(service),
  hours: z.number(),
  headline: z.strictObject({
    failed_last_hour: z.int(),
    running: z.int(),
    left_behind: z.int(),
  }),
  provisionings: z.array(summary),
  /** How many of them are still to be read: AWS allows few look-ups in a second. */
  unread: z.int(),
  /** There were more executions in this time than are shown. */
  truncated: z.boolean(),
  pause,
});
export type Listing = z.infer<typeof listing>;

export const stateKind = z.enum(['task', 'choice', 'wait', 'other', 'succeed', 'fail']);

export const graphNode = z.strictObject({
  name: z.string(),
  kind: stateKind,
  /** Type as ASL names it. */
  type: z.string(),
  /** Not on the way that is taken when no error is caught. */
  undo: z.boolean(),
});
export type GraphNode = z.infer<typeof graphNode>;

export const graphEdge = z.strictObject({
  from: z.string(),
  to: z.string(),
  /** A caught error leads there. */
  caught: z.boolean(),
  label: z.string().optional(),
});
export type GraphEdge = z.infer<typeof graphEdge>;

export const graph = z.strictObject({
  start: z.string(),
  comment: z.string().optional(),
  nodes: z.array(graphNode),
  edges: z.array(graphEdge),
});
export type Graph = z.infer<typeof graph>;

export const attemptStatus = z.enum(['running', 'succeeded', 'failed', 'timed_out', 'stopped']);

export const attempt = z.strictObject({
  started_at: time,
  ended_at: time.optional(),
  status: attemptStatus,
  error: z.string().optional(),
  cause: json.optional(),
  /** What the error means, for people. */
  failure: failureReport.optional(),
});
export type Attempt = z.infer<typeof attempt>;

/**
 * `retrying`: the last attempt has failed and the next one waits; `caught`: failed, and the workflow went on where it
 * leads; `failed`: ended the execution; `stopped`: was running when the execution was aborted or timed out.
 */
export const stepStatus = z.enum(['running', 'retrying', 'succeeded', 'caught', 'failed', 'stopped']);
export type StepStatus = z.infer<typeof stepStatus>;

export const step = z.strictObject({
  /** Unique within its execution. */
  id: z.string(),
  name: z.string(),
  type: z.string(),
  undo: z.boolean(),
  status: stepStatus,
  entered_at: time,
  exited_at: time.optional(),
  attempts: z.array(attempt),
  input: json.optional(),
  output: json.optional(),
  assigned: z.record(z.string(), json),
});
export type Step = z.infer<typeof step>;

export const execution = z.strictObject({
  /** `<machine>/<name>`: unique within a provisioning. */
  id: z.string(),
  service,
  machine: z.string(),
  name: z.string(),
  roll_back: z.boolean(),
  status: executionStatus,
  started_at: time,
  stopped_at: time.optional(),
  error: z.string().optional(),
  cause: json.optional(),
  failure: failureReport.optional(),
  input: json.optional(),
  output: json.optional(),
  redrives: z.int(),
  graph,
  steps: z.array(step),
  /** The history was longer than what was read. */
  truncated: z.boolean(),
});
export type Execution = z.infer<typeof execution>;

export const auditEvent = z.strictObject({
  id: z.string(),
  service,
  name: z.string(),
  occurred_at: time,
  /** What the catalogue says that it means; absent for one that is not in it. */
  meaning: z.string().optional(),
  bad: z.boolean(),
  /** The whole of it, as it was published. */
  event: json,
});
export type AuditEvent = z.infer<typeof auditEvent>;

export const detail = z.strictObject({
  now: time,
  summary,
  executions: z.array(execution),
  events: z.array(auditEvent),
  pause,
});
export type Detail = z.infer<typeof detail>;

/** What went wrong, and what the user of the page can do. */
export const trouble = z.strictObject({ message: z.string(), remedy: z.string() });
export type Trouble = z.infer<typeof trouble>;
