import { randomUUID } from 'node:crypto';
import { characterKinds, type RegisteredTarget, targetString } from '../../contracts/targets.ts';
import { examples, type Program } from '../base.ts';
import type { Exit } from '../exit-status.ts';
import { explain } from '../explain.ts';
import { formatTable } from '../format.ts';
import type { TargetRow, TargetsOutput } from '../json-output.ts';
import type { Run, Session } from '../session.ts';
import { colors } from '../support/colors.ts';

/** Milliseconds within which the API of a target has to respond. */
const CALL_LIMIT = 10_000;

export async function targets({ connection, interrupted, progress, print }: Session): Promise<Exit> {
  progress.update(`Calling the targets of App1 at ${connection.displayName}`);
  const { targets: registered } = await connection.app1();
  const rows = await Promise.all(registered.map((target) => rowOf(target, interrupted)));
  const output: TargetsOutput = { targets: rows };
  print(output, formatTargets(output));
  return rows.some(({ reachable }) => reachable === false) ? 'failed' : 'ok';
}

async function rowOf(
  { name, state, target }: RegisteredTarget,
  interrupted: AbortSignal,
): Promise<TargetRow> {
  if (target === undefined) return { name, state };
  const { api_url, password_policy, creations_per_second } = targetString.parse(target);
  const reason = await unreachableReason(api_url, interrupted);
  return {
    name,
    state,
    reachable: reason === undefined,
    ...(reason === undefined ? {} : { reason }),
    api_url,
    password_policy,
    creations_per_second,
  };
}

/** Why the API of a target cannot be called; `undefined` when it rejects a request without a token, as it has to. */
async function unreachableReason(apiUrl: string, interrupted: AbortSignal): Promise<string | undefined> {
  try {
    const { status } = await fetch(`${apiUrl.replace(/\/$/, '')}/admin/create-user/${randomUUID()}`, {
      signal: AbortSignal.any([AbortSignal.timeout(CALL_LIMIT), interrupted]),
    });
    return status === 401 ? undefined : `HTTP ${status} for a request without a token, instead of 401`;
  } catch (error) {
    interrupted.throwIfAborted();
    return explain(error).message;
  }
}

function formatTargets({ targets: rows }: TargetsOutput): string {
  if (rows.length === 0) return 'App1 has no targets.';
  return formatTable(
    ['target', 'state', 'reachable', 'password', 'creations per second'],
    rows.map(({ name, state, reachable, reason, password_policy: policy, creations_per_second: rate }) => [
      name,
      state,
      formatReachable(reachable, reason),
      policy === undefined ? '-' : formatPasswordPolicy(policy),
      rate === undefined ? '-' : String(rate),
    ]),
  );
}

function formatReachable(reachable: boolean | undefined, reason: string | undefined): string {
  if (reachable === undefined) return '-';
  return reachable ? colors.green('yes') : colors.red(`no: ${reason ?? 'unknown'}`);
}

/** `at least 12, lowercase, symbols` */
const formatPasswordPolicy = (policy: NonNullable<TargetRow['password_policy']>): string =>
  [`at least ${policy.minimum_length}`, ...characterKinds.filter((kind) => policy[`require_${kind}`])].join(
    ', ',
  );

export const addTargets = (program: Program, run: Run) =>
  program
    .command('targets')
    .summary('list the targets of App1')
    .description(
      "Lists the targets in App1's registry: the state, whether the API responds, the password policy and the creations per second. A target that is gone is not called. The exit status is 1 when a target is not reachable.",
    )
    .addHelpText(
      'after',
      examples(
        ['the registry', 'targets'],
        [
          'targets that accept requests, for a script',
          'targets --json | jq -r \'.targets[] | select(.state == "active") | .name\'',
        ],
      ),
    )
    .action((_options, command) => run(command, targets));
