/** The state of the page in the fragment of its URL, so that everything can be linked. */
export interface Route {
  /** The selected provisioning. */
  id: string | undefined;
  /** The selected step: `<state machine>/<execution>/<step>`. */
  step: string | undefined;
  hours: number;
  show: Show;
  code: string;
  /** Name of a target; empty for all of them. */
  target: string;
  text: string;
}

export const shows = {
  all: 'All',
  running: 'Running',
  succeeded: 'Succeeded',
  failed: 'Failed',
  rolled_back: 'Rolled back later',
  left_behind: 'Left behind',
} as const;
export type Show = keyof typeof shows;

const isShow = (text: string | null): text is Show => text !== null && text in shows;

export function readRoute(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#/, '').split('?');
  const values = new URLSearchParams(query);
  const [, id] = /^\/provisionings\/([^/]+)/.exec(path) ?? [];
  const hours = Number(values.get('hours'));
  const show = values.get('show');
  return {
    id: id === undefined ? undefined : decodeURIComponent(id),
    step: values.get('step') ?? undefined,
    hours: hours > 0 ? hours : 1,
    show: isShow(show) ? show : 'all',
    code: values.get('code') ?? '',
    target: values.get('target') ?? '',
    text: values.get('text') ?? '',
  };
}

export function writeRoute({ id, step, hours, show, code, target, text }: Route): string {
  const values = new URLSearchParams();
  if (hours !== 1) values.set('hours', String(hours));
  if (show !== 'all') values.set('show', show);
  if (code !== '') values.set('code', code);
  if (target !== '') values.set('target', target);
  if (text !== '') values.set('text', text);
  if (step !== undefined) values.set('step', step);
  const query = values.size > 0 ? `?${values}` : '';
  return `#/${id === undefined ? '' : `provisionings/${encodeURIComponent(id)}`}${query}`;
}
