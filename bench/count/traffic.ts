import { TRACE_HEADER } from '../../contracts/origin.ts';
import { type FaultRule, faultsAt } from '../../local/harness/faults/rules.ts';
import { type Counts, noCounts } from './counts.ts';
import type { PlannedProvisioning } from './planned-provisioning.ts';

/** The counts of calls that pass the fault proxy. */
export type Traffic = Omit<Counts, 'transitions' | 'invocations'>;

/** A rule counts the calls that it matches; this delay in milliseconds has no effect on them. */
const COUNT_ONLY = { latency: 0.001 } as const;

/** Largest number of entries of PutEvents. docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html */
const MAX_ENTRIES = 10;

/** A condition that one of the texts occurs in the body. */
const mentions = (...texts: string[]): string =>
  texts.map((text) => `contains(to_string(@), '${text}')`).join(' || ');

/**
 * Rules that count the calls that contain the provisioning or its user. Calls of the rate limiters contain neither; the
 * trace id identifies them, except for functions that EventBridge invokes. Sign-ins, reads of the secret and task results
 * contain no identifier, so those of all provisionings are counted. The first matching rule counts a call.
 */
function rulesFor({
  id,
  request: { username },
  subs,
  trace,
  macMessage,
}: PlannedProvisioning): [keyof Traffic, number, FaultRule][] {
  const countOne = (
    field: keyof Traffic,
    rule: Omit<FaultRule, 'latency'>,
  ): [keyof Traffic, number, FaultRule] => [field, 1, { ...rule, ...COUNT_ONLY }];
  const traced = { headers: { [TRACE_HEADER]: trace } };
  return [
    countOne('sign_ins', { service: 'cognito-idp', operation: 'InitiateAuth' }),
    countOne('secrets_manager', { service: 'secretsmanager' }),
    countOne('cognito', { service: 'cognito-idp', body: mentions(username, ...subs) }),
    countOne('kms', { service: 'kms', body: mentions(id, macMessage) }),
    countOne('http', { service: 'execute-api', headers: { 'Idempotency-Key': id } }),
    countOne('http', { service: 'execute-api', resource: id }),
    countOne('dynamodb_reads', { service: 'dynamodb', operation: 'GetItem', ...traced }),
    countOne('dynamodb_writes', { service: 'dynamodb', ...traced }),
    countOne('dynamodb_writes', { service: 'dynamodb', operation: 'UpdateItem', body: mentions(id) }),
    countOne('step_functions', { service: 'stepfunctions', body: mentions(id) }),
    countOne('step_functions', { service: 'stepfunctions', operation: 'SendTaskSuccess' }),
    countOne('step_functions', { service: 'stepfunctions', operation: 'SendTaskFailure' }),
    ...Array.from({ length: MAX_ENTRIES }, (_, n): [keyof Traffic, number, FaultRule] => [
      'events',
      n + 1,
      {
        service: 'events',
        operation: 'PutEvents',
        body: `length(Entries) == \`${n + 1}\` && (${mentions(id)})`,
        ...COUNT_ONLY,
      },
    ]),
  ];
}

/** A fault, and the count to which the calls that it affects belong. */
export type CountedFault = [keyof Traffic, FaultRule];

export interface Counter {
  read(): Promise<Traffic>;
  stop(): Promise<void>;
}

/** Counts the calls of a provisioning from now on, including those that the faults affect. */
export async function countTraffic(
  proxyUrl: string,
  planned: PlannedProvisioning,
  countedFaults: readonly CountedFault[] = [],
): Promise<Counter> {
  const faults = faultsAt(proxyUrl);
  const rules = [
    ...countedFaults.map(([field, rule]): [keyof Traffic, number, FaultRule] => [field, 1, rule]),
    ...rulesFor(planned),
  ];
  const ids = await faults.add(rules.map(([, , rule]) => rule));
  return {
    async read() {
      const fired = new Map((await faults.fired(ids)).map(({ id, times }) => [id, times]));
      const { transitions: _, invocations: __, ...traffic } = noCounts;
      rules.forEach(([field, each], n) => {
        traffic[field] += each * (fired.get(ids[n] ?? -1) ?? 0);
      });
      return traffic;
    },
    stop: () => faults.remove(ids),
  };
}
