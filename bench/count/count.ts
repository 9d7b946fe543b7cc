import { setTimeout } from 'node:timers/promises';
import { SFNClient } from '@aws-sdk/client-sfn';
import type { Outputs } from '../../cli/outputs.ts';
import type { Counts } from './counts.ts';
import { executed } from './executions.ts';
import { type Logged, loggedSince } from './invocations.ts';
import type { Subject } from './subject.ts';
import { countTraffic, type Hit } from './traffic.ts';

/** The authorizer answers for a token once, and is asked by API Gateway, whose calls pass no proxy. */
const AUTHORIZER = '/aws/lambda/app2-authorizer';

/** Not part of a provisioning: the caller's looking, and the sweeps, which run whether there is something or not. */
const ASIDE = ['app1-get-provisioning', 'app1-sweep-provisionings', 'app2-sweep-user-creations'];

/** How long nothing more may be logged, in milliseconds, until a provisioning is over for its logs, too. */
const QUIET = 2_000;

interface Case {
  outputs: Outputs;
  proxyUrl: string;
  subject: Subject;
  /** Provisions, and ends when it is over. Gives back how many requests it sent that change something. */
  run: () => Promise<number>;
  /** Faults, and as what a call counts that one hits. */
  hits?: readonly Hit[];
}

/**
 * Counts what a provisioning costs while others may be going on: from the fault proxy, which knows whose call it is,
 * from the histories of its executions, and from the authorizer's log, which does not say for whom it was asked.
 */
export async function countAmongOthers({
  outputs,
  proxyUrl,
  subject,
  run,
  hits = [],
}: Case): Promise<Counts> {
  const since = new Date();
  const counter = await countTraffic(proxyUrl, subject, hits);
  try {
    const requests = await run();
    const traffic = await counter.read();
    const { transitions, invocations } = await executedOf(outputs, subject);
    const authorized = (await loggedSince(outputs, [AUTHORIZER], since)).invocations.length;
    // API Gateway invokes one function for each request.
    return { transitions, ...traffic, invocations: invocations + requests + traffic.http + authorized };
  } finally {
    await counter.stop();
  }
}

/** The same while nothing else is going on: every function that runs does so for this provisioning. */
export async function countAlone({
  outputs,
  proxyUrl,
  subject,
  run,
  hits = [],
}: Case): Promise<{ counts: Counts } & Logged> {
  const since = new Date();
  const counter = await countTraffic(proxyUrl, subject, hits);
  try {
    await run();
    const logGroups = [...outputs.app1.log_groups, ...outputs.app2.log_groups];
    let logged = await loggedSince(outputs, logGroups, since);
    for (let before = -1; before !== logged.bytes; ) {
      before = logged.bytes;
      await setTimeout(QUIET);
      logged = await loggedSince(outputs, logGroups, since);
    }
    const traffic = await counter.read();
    const { transitions } = await executedOf(outputs, subject);
    const invocations = logged.invocations.filter(({ functionName }) => !ASIDE.includes(functionName));
    return {
      counts: { transitions, ...traffic, invocations: invocations.length },
      invocations,
      bytes: logged.bytes,
    };
  } finally {
    await counter.stop();
  }
}

function executedOf(outputs: Outputs, { id }: Subject) {
  const { endpoint, region, access_key_id: accessKeyId, secret_access_key: secretAccessKey } = outputs;
  const stepFunctions = new SFNClient({ endpoint, region, credentials: { accessKeyId, secretAccessKey } });
  return executed(stepFunctions, outputs, id);
}
