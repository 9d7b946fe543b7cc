import type { Summary } from '../model.ts';
import type { Route } from './route.ts';

const isFailed = ({ status }: Summary) => ['FAILED', 'ABORTED', 'TIMED_OUT'].includes(status);
const isLeftBehind = ({ left_behind }: Summary) => left_behind === 'user' || left_behind === 'event';

const FILTERS: Record<Route['show'], (one: Summary) => boolean> = {
  all: () => true,
  running: ({ running }) => running,
  succeeded: ({ status, user }) => status === 'SUCCEEDED' && user !== 'absent',
  failed: isFailed,
  rolled_back: ({ roll_backs }) => roll_backs > 0,
  left_behind: isLeftBehind,
};

/** The provisionings that match the filters. */
export function filtered(
  provisionings: readonly Summary[],
  { show, code, text }: Pick<Route, 'show' | 'code' | 'text'>,
): Summary[] {
  const searched = text.trim().toLowerCase();
  return provisionings.filter(
    (one) =>
      FILTERS[show](one) &&
      (code === '' || one.failures.some((failure) => failure.code === code)) &&
      [one.provisioning_id, one.username, one.human_user_id].some((field) =>
        field?.toLowerCase().includes(searched),
      ),
  );
}

/** The error codes of the provisionings, in alphabetical order. */
export const codesOf = (provisionings: readonly Summary[]): string[] =>
  [...new Set(provisionings.flatMap(({ failures }) => failures.map(({ code }) => code)))].sort();
