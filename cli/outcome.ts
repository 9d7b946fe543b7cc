import type { Started } from './app1-api.ts';
import type { Exit } from './exit-status.ts';
import { formatReport, formatRows, toReport, watchCommand } from './format.ts';
import { pollUntilFinished } from './poll.ts';
import type { Session } from './session.ts';

/** Used by `create` and `retry` after App1 has accepted: waits until the provisioning has finished and prints it, or with `--no-wait` prints the next command. */
export async function reportOutcome(
  session: Session,
  started: Started,
  { wait, timeout }: { wait: boolean; timeout: number },
): Promise<Exit> {
  const { provisioning_id, status } = started;
  if (!wait) {
    const next = watchCommand(provisioning_id, session.propose);
    const rows = formatRows([
      ['provisioning', provisioning_id],
      ['status', status],
      ['next', next],
    ]);
    session.print({ provisioning_id, status, next }, `Accepted\n${rows}`);
    return 'ok';
  }
  session.progress.update(`Accepted as ${provisioning_id}`);
  const report = toReport(
    await pollUntilFinished(session, provisioning_id, timeout, { isNew: true }),
    session.propose,
  );
  session.print(report, formatReport(report));
  return report.status === 'SUCCEEDED' && report.user === 'present' ? 'ok' : 'failed';
}
