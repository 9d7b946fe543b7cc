import pLimit from 'p-limit';
import type { Exit } from '../exit-status.ts';
import type { DoctorOutput } from '../json-output.ts';
import type { Session } from '../session.ts';
import { colors } from '../support/colors.ts';
import { listChecks } from './checks.ts';
import { clockFinding } from './clock.ts';
import { type Check, ok, runCheck } from './finding.ts';

/** Checks that run at the same time: few enough that AWS does not throttle them. */
const MAX_CONCURRENCY = 6;

/** The service of checks that concern all services. */
const ALL = 'all';

export async function doctor(session: Session): Promise<Exit> {
  const { connection, clock, progress } = session;
  progress.update(`Checking ${connection.displayName}`);
  // Without credentials no check can run: the command fails as every other command does.
  const { arn, clockOffset } = await connection.identity(clock.now);
  const identityChecks: Check[] = [
    { service: ALL, check: 'credentials', run: async () => ok(`you are ${arn}`) },
    { service: ALL, check: 'clock', run: async () => clockFinding(clockOffset) },
  ];
  const limit = pLimit(MAX_CONCURRENCY);
  const checks = await Promise.all(
    [...identityChecks, ...(await listChecks(session))].map((check) =>
      limit(async () => {
        progress.update(`Checking ${connection.displayName}`, `${check.service} ${check.check}`);
        return { service: check.service, check: check.check, ...(await runCheck(check)) };
      }),
    ),
  );
  const isUnreachable = checks.every(({ service, verdict }) => service === ALL || verdict === 'unchecked');
  const healthy = !isUnreachable && checks.every(({ verdict }) => verdict !== 'failed');
  const output: DoctorOutput = { healthy, environment: connection.displayName, checks };
  session.print(output, formatChecks(output));
  if (isUnreachable) return 'unreachable';
  return healthy ? 'ok' : 'failed';
}

const SIGNS = {
  ok: () => colors.green('✔'),
  warning: () => colors.yellow('!'),
  failed: () => colors.red('✖'),
  unchecked: () => colors.yellow('?'),
} as const;

function formatChecks({ environment, checks }: DoctorOutput): string {
  const width = Math.max(...checks.map(({ check }) => check.length));
  const serviceWidth = Math.max(...checks.map(({ service }) => service.length));
  const lines = checks.flatMap(({ service, check, verdict, found, remedy }) => [
    `${SIGNS[verdict]()} ${service.padEnd(serviceWidth)}  ${check.padEnd(width)}  ${found}`,
    ...(remedy === undefined ? [] : [`${' '.repeat(serviceWidth + width + 6)}→ ${remedy}`]),
  ]);
  const count = (expected: string) => checks.filter(({ verdict }) => verdict === expected).length;
  const warnings = count('warning') === 0 ? '' : `${count('warning')} to act on, `;
  const summary = `${count('ok')} ok, ${count('failed')} failed, ${warnings}${count('unchecked')} not checked`;
  return [`Checked ${environment}`, ...lines, summary].join('\n');
}
