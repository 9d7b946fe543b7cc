import pLimit from 'p-limit';
import type { DoctorAnswer } from '../answers.ts';
import type { Exit } from '../exit-status.ts';
import type { Session } from '../session.ts';
import { colors } from '../support/colors.ts';
import { checksOf } from './checks.ts';
import { clockFinding } from './clock.ts';
import { type Check, findingOf, ok } from './finding.ts';

/** Checks at once: enough to be quick, few enough not to be throttled. */
const AT_ONCE = 6;

export async function doctor(session: Session): Promise<Exit> {
  const { connection, clock, progress } = session;
  progress.say(`Checking ${connection.where}`);
  // Without credentials nothing else can be seen; that is said as for every command.
  const { arn, ahead } = await connection.identity(clock.now);
  const own: Check[] = [
    { service: 'both', check: 'credentials', look: async () => ok(`you are ${arn}`) },
    { service: 'both', check: 'clock', look: async () => clockFinding(ahead) },
  ];
  const limit = pLimit(AT_ONCE);
  const checks = await Promise.all(
    [...own, ...(await checksOf(session))].map((check) =>
      limit(async () => {
        progress.say(`Checking ${connection.where}`, `${check.service} ${check.check}`);
        return { service: check.service, check: check.check, ...(await findingOf(check)) };
      }),
    ),
  );
  const nothingSeen = checks.every(({ service, verdict }) => service === 'both' || verdict === 'unseen');
  const healthy = !nothingSeen && checks.every(({ verdict }) => verdict !== 'wrong');
  const answer: DoctorAnswer = { healthy, where: connection.where, checks };
  session.answer(answer, shownChecks(answer));
  if (nothingSeen) return 'unreachable';
  return healthy ? 'ok' : 'bad';
}

const SIGNS = {
  ok: () => colors.green('✔'),
  warning: () => colors.yellow('!'),
  wrong: () => colors.red('✖'),
  unseen: () => colors.yellow('?'),
} as const;

function shownChecks({ where, checks }: DoctorAnswer): string {
  const width = Math.max(...checks.map(({ check }) => check.length));
  const lines = checks.flatMap(({ service, check, verdict, saw, remedy }) => [
    `${SIGNS[verdict]()} ${service.padEnd(4)}  ${check.padEnd(width)}  ${saw}`,
    ...(remedy === undefined ? [] : [`${' '.repeat(width + 10)}→ ${remedy}`]),
  ]);
  const number = (wanted: string) => checks.filter(({ verdict }) => verdict === wanted).length;
  const warnings = number('warning') === 0 ? '' : `${number('warning')} to see to, `;
  const summary = `${number('ok')} ok, ${number('wrong')} wrong, ${warnings}${number('unseen')} not to be seen from here`;
  return [`Checked ${where}`, ...lines, summary].join('\n');
}
