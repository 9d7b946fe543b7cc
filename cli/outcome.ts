import type { Started } from './app1-api.ts';
import type { Exit } from './exit-status.ts';
import { card, shown, table, watchOf } from './format.ts';
import { settled } from './poll.ts';
import type { Session } from './session.ts';

/** What `create` and `retry` do once App1 has accepted: wait for the end and show it, or say where it can be asked for. */
export async function ended(
  session: Session,
  started: Started,
  { wait, timeout }: { wait: boolean; timeout: number },
): Promise<Exit> {
  const { provisioning_id, status } = started;
  if (!wait) {
    const next = watchOf(provisioning_id, session.propose);
    const rows = table([
      ['provisioning', provisioning_id],
      ['status', status],
      ['next', next],
    ]);
    session.answer({ provisioning_id, status, next }, `Accepted\n${rows}`);
    return 'ok';
  }
  session.progress.say(`Accepted as ${provisioning_id}`);
  const end = shown(await settled(session, provisioning_id, timeout, { isNew: true }), session.propose);
  session.answer(end, card(end));
  return end.status === 'SUCCEEDED' && end.user === 'present' ? 'ok' : 'bad';
}
