import * as z from 'zod';
import { failureReport } from '../contracts/failures.ts';
import { serviceName as service } from '../contracts/services.ts';
import { targetPresence, userPresence } from '../contracts/status.ts';

/** The JSON that the server sends to the page. Both sides use these schemas. */

const time = z.iso.datetime();
/** Any JSON of Step Functions. */
const json = z.unknown();
/** Milliseconds until the next poll. */
const pause = z.int();

export const executionStatus = z.enum([
  'RUNNING',
  'SUCCEEDED',
  'FAILED',
  'ABORTED',
  'TIMED_OUT',
  'PENDING_REDRIVE',
]);

/** The cause of a failure: the row of contracts/failures.ts with the name of the error. */
export const failure = failureReport.extend({ service, error: z.string() });
export type Failure = z.infer<typeof failure>;

/**
 * What a provisioning has left behind. `user`: a user may exist, and no execution is removing it. `event`: the event of
 * the outcome was not published. `unknown`: one of the executions was not read yet.
 */
export const leftBehind = z.enum(['nothing', 'user', 'event', 'unknown']);
export type LeftBehind = z.infer<typeof leftBehind>;

/** One provisioning in the list. */
export const summary = z.strictObject({
  provisioning_id: z.string(),
  /** Absent until the input is read, and when it was cancelled before its request arrived. */
  username: z.string().optional(),
  human_user_id: z.string().optional(),
  /** Status of App1's execution, or of App2's when App1's is not available. */
  status: executionStatus,
  /** Whether any of its executions is running, including roll-backs. */
  running: z.boolean(),
  started_at: time,
  /** When the execution of `status` has stopped. */
  stopped_at: time.optional(),
  /** The failure at each service: App1's is in the response to the caller, App2's is closer to the cause. */
  failures: z.array(failure),
  /** Absent until it is read. */
  user: userPresence.optional(),
  /** The targets in App1's request, with the user at each of them once it is read. Absent without App1's input. */
  targets: z.array(z.strictObject({ target: z.string(), user: targetPresence.optional() })).optional(),
  left_behind: leftBehind,
  /** Number of executions of the roll-back state machines. */
  roll_backs: z.int(),
  /** Remedies, the most urgent first. */
  remedies: z.array(z.string()),
});
export type Summary = z.infer<typeof summary>;

export const listing = z.strictObject({
  now: time,
  /** The environment: "local AWS", or account and region. */
  environment: z.string(),
  /** The services that are deployed in this account and region. */
  services: z.array(service),
  hours: z.number(),
  headline: z.strictObject({
    failed_last_hour: z.int(),
    running: z.int(),
    left_behind: z.int(),
  }),
  provisionings: z.array(summary),
  /** Number of provisionings that are not read yet: AWS limits the calls per second. */
  unread: z.int(),
  /** Whether the list is incomplete because there are too many executions. */
  truncated: z.boolean(),
  pause,
});
export type Listing = z.infer<typeof listing>;

export const stateKind = z.enum(['task', 'choice', 'wait', 'map', 'other', 'succeed', 'fail']);

export const graphNode = z.strictObject({
  name: z.string(),
  kind: stateKind,
  /** Type as ASL names it. */
  type: z.string(),
  /** Whether only a caught error leads to the state. */
  compensation: z.boolean(),
  /** Name of the Map whose iterations contain the state. */
  map: z.string().optional(),
  /** Of a Map: first state of its iterations. */
  start: z.string().optional(),
});
export type GraphNode = z.infer<typeof graphNode>;

export const graphEdge = z.strictObject({
  from: z.string(),
  to: z.string(),
  /** Whether a caught error leads to `to`. */
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
  /** The explanation of the error. */
  failure: failureReport.optional(),
});
export type Attempt = z.infer<typeof attempt>;

/**
 * `retrying`: the last attempt has failed, and the next one waits. `caught`: failed, and a Catch continues the workflow.
 * `failed`: failed the execution. `stopped`: was running when the execution was aborted or timed out.
 */
export const stepStatus = z.enum(['running', 'retrying', 'succeeded', 'caught', 'failed', 'stopped']);
export type StepStatus = z.infer<typeof stepStatus>;

export const step = z.strictObject({
  /** Unique within its execution. */
  id: z.string(),
  name: z.string(),
  type: z.string(),
  compensation: z.boolean(),
  /** The iteration that contains the step. Absent outside a Map. */
  iteration: z.strictObject({ map: z.string(), index: z.int() }).optional(),
  /** The target of an iteration. Absent outside a Map, and if the provisioning has one target. */
  target: z.string().optional(),
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
  /** `<name of the state machine>/<name>`: unique within a provisioning. */
  id: z.string(),
  service,
  state_machine: z.string(),
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
  /** Whether the history is longer than the part that was read. */
  truncated: z.boolean(),
});
export type Execution = z.infer<typeof execution>;

export const auditEvent = z.strictObject({
  id: z.string(),
  service,
  name: z.string(),
  occurred_at: time,
  /** The meaning in the catalogue; absent for an event that is not in it. */
  meaning: z.string().optional(),
  bad: z.boolean(),
  /** The whole event. */
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

/** An error of the server, and the remedy. */
export const trouble = z.strictObject({ message: z.string(), remedy: z.string() });
export type Trouble = z.infer<typeof trouble>;
