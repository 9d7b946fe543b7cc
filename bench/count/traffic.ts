import { TRACE_HEADER } from '../../contracts/origin.ts';
import { type FaultRule, faultsAt } from '../../local/harness/faults/rules.ts';
import { type Counts, nothing } from './counts.ts';
import type { Subject } from './subject.ts';

/** What of the counts passes through the fault proxy. */
export type Traffic = Omit<Counts, 'transitions' | 'invocations'>;

/** Counts while it lets pass: a delay that nobody notices, in milliseconds. */
const NOTICED = { latency: 0.001 } as const;

/** The most entries that PutEvents takes. docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html */
const MOST_ENTRIES = 10;

/** That one of the texts is anywhere in the body. */
const mentions = (...texts: string[]): string =>
  texts.map((text) => `contains(to_string(@), '${text}')`).join(' || ');

/**
 * What is counted: the calls that name the provisioning or its user. Whoever takes a turn names neither, but its trace
 * tells, which does not reach as far as what EventBridge calls. Sign-ins, readings of the secret and tokens of tasks
 * name none: all of them are counted, whosever they are. A call is counted by the first rule that is about it.
 */
function rulesFor({ id, username, sub, trace, macMessage }: Subject): [keyof Traffic, number, FaultRule][] {
  const one = (what: keyof Traffic, rule: Omit<FaultRule, 'latency'>): [keyof Traffic, number, FaultRule] => [
    what,
    1,
    { ...rule, ...NOTICED },
  ];
  const traced = { headers: { [TRACE_HEADER]: trace } };
  return [
    one('sign_ins', { service: 'cognito-idp', operation: 'InitiateAuth' }),
    one('secrets_manager', { service: 'secretsmanager' }),
    one('cognito', { service: 'cognito-idp', body: mentions(username, sub) }),
    one('kms', { service: 'kms', body: mentions(id, macMessage) }),
    one('http', { service: 'execute-api', headers: { 'Idempotency-Key': id } }),
    one('http', { service: 'execute-api', resource: id }),
    one('dynamodb_reads', { service: 'dynamodb', operation: 'GetItem', ...traced }),
    one('dynamodb_writes', { service: 'dynamodb', ...traced }),
    one('dynamodb_writes', { service: 'dynamodb', operation: 'UpdateItem', body: mentions(id) }),
    one('step_functions', { service: 'stepfunctions', body: mentions(id) }),
    one('step_functions', { service: 'stepfunctions', operation: 'SendTaskSuccess' }),
    one('step_functions', { service: 'stepfunctions', operation: 'SendTaskFailure' }),
    ...Array.from({ length: MOST_ENTRIES }, (_, n): [keyof Traffic, number, FaultRule] => [
      'events',
      n + 1,
      {
        service: 'events',
        operation: 'PutEvents',
        body: `length(Entries) == \`${n + 1}\` && (${mentions(id)})`,
        ...NOTICED,
      },
    ]),
  ];
}

/** A fault, and under which count a call that it hits belongs. */
export type Hit = [keyof Traffic, FaultRule];

export interface Counter {
  read(): Promise<Traffic>;
  stop(): Promise<void>;
}

/** Counts the calls about a provisioning from now on. `hits` are faults for the case; what they hit is counted, too. */
export async function countTraffic(
  proxyUrl: string,
  subject: Subject,
  hits: readonly Hit[] = [],
): Promise<Counter> {
  const faults = faultsAt(proxyUrl);
  const rules = [
    ...hits.map(([what, rule]): [keyof Traffic, number, FaultRule] => [what, 1, rule]),
    ...rulesFor(subject),
  ];
  const ids = await faults.add(rules.map(([, , rule]) => rule));
  return {
    async read() {
      const fired = new Map((await faults.fired(ids)).map(({ id, times }) => [id, times]));
      const { transitions: _, invocations: __, ...traffic } = nothing;
      rules.forEach(([what, each], n) => {
        traffic[what] += each * (fired.get(ids[n] ?? -1) ?? 0);
      });
      return traffic;
    },
    stop: () => faults.remove(ids),
  };
}
