import { setTimeout } from 'node:timers/promises';
import { SFNClient } from '@aws-sdk/client-sfn';
import type { Outputs, Target } from '../../cli/outputs.ts';
import type { Counts } from './counts.ts';
import { countExecutions } from './executions.ts';
import { type Logged, loggedSince } from './invocations.ts';
import type { PlannedProvisioning } from './planned-provisioning.ts';
import { type CountedFault, countTraffic } from './traffic.ts';

/** API Gateway invokes the authorizer once for a token; this invocation does not pass the proxy. */
const authorizerLogs = ({ targets }: PlannedProvisioning): string[] =>
  logGroupsOf(targets).filter((name) => name.endsWith('-authorizer'));

const logGroupsOf = (services: readonly Pick<Target, 'log_groups'>[]): string[] =>
  services.flatMap(({ log_groups }) => log_groups);

/** Functions that do not belong to a provisioning: the caller's polls, and the sweeps, which run by a schedule. */
const UNRELATED_FUNCTIONS = /^app1-(get|sweep)-provisionings?$|-sweep-user-creations$/;

/** Time without a new log line after which the logs of a provisioning are complete, in milliseconds. */
const LOGS_COMPLETE_AFTER = 2_000;

interface Case {
  outputs: Outputs;
  proxyUrl: string;
  planned: PlannedProvisioning;
  /** Runs the provisioning until its outcome; returns the number of its requests that change something. */
  run: () => Promise<number>;
  /** Faults of the case. The calls that they affect are counted, too. */
  countedFaults?: readonly CountedFault[];
}

/**
 * Counts a provisioning while others may run: by the fault proxy, which identifies its calls, by the histories of its
 * executions, and by the log of the authorizer, which contains the invocations of all provisionings.
 */
export async function countAmongOthers({
  outputs,
  proxyUrl,
  planned,
  run,
  countedFaults = [],
}: Case): Promise<Counts> {
  const since = new Date();
  const counter = await countTraffic(proxyUrl, planned, countedFaults);
  try {
    const requests = await run();
    const traffic = await counter.read();
    const { transitions, invocations } = await countExecutionsOf(outputs, planned);
    const authorized = (await loggedSince(outputs, authorizerLogs(planned), since)).invocations.length;
    // API Gateway invokes one function for each request.
    return { transitions, ...traffic, invocations: invocations + requests + traffic.http + authorized };
  } finally {
    await counter.stop();
  }
}

/** Counts a provisioning while no other one runs: every function runs for this provisioning. */
export async function countAlone({
  outputs,
  proxyUrl,
  planned,
  run,
  countedFaults = [],
}: Case): Promise<{ counts: Counts } & Logged> {
  const since = new Date();
  const counter = await countTraffic(proxyUrl, planned, countedFaults);
  try {
    await run();
    const logGroups = logGroupsOf([outputs.app1, ...planned.targets]);
    let logged = await loggedSince(outputs, logGroups, since);
    for (let before = -1; before !== logged.bytes; ) {
      before = logged.bytes;
      await setTimeout(LOGS_COMPLETE_AFTER);
      logged = await loggedSince(outputs, logGroups, since);
    }
    const traffic = await counter.read();
    const { transitions } = await countExecutionsOf(outputs, planned);
    const invocations = logged.invocations.filter(
      ({ functionName }) => !UNRELATED_FUNCTIONS.test(functionName),
    );
    return {
      counts: { transitions, ...traffic, invocations: invocations.length },
      invocations,
      bytes: logged.bytes,
    };
  } finally {
    await counter.stop();
  }
}

function countExecutionsOf(outputs: Outputs, { id, targets }: PlannedProvisioning) {
  const { endpoint, region, access_key_id: accessKeyId, secret_access_key: secretAccessKey } = outputs;
  const stepFunctions = new SFNClient({ endpoint, region, credentials: { accessKeyId, secretAccessKey } });
  return countExecutions(stepFunctions, [outputs.app1, ...targets], id);
}
