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
  { show, code, text, target }: Pick<Route, 'show' | 'code' | 'text' | 'target'>,
): Summary[] {
  const searched = text.trim().toLowerCase();
  return provisionings.filter(
    (one) =>
      FILTERS[show](one) &&
      (code === '' || one.failures.some((failure) => failure.code === code)) &&
      (target === '' || isAt(one, target, { code, show })) &&
      [one.provisioning_id, one.username, one.human_user_id].some((field) =>
        field?.toLowerCase().includes(searched),
      ),
  );
}

/** Whether a provisioning has a target. Among failures, the failure has to be one at the target, with the code. */
function isAt(
  { targets = [], failures }: Summary,
  target: string,
  { code, show }: Pick<Route, 'code' | 'show'>,
): boolean {
  if (code === '' && show !== 'failed') return targets.some((at) => at.target === target);
  return failures.some(
    (failure) => (failure.target ?? failure.service) === target && (code === '' || failure.code === code),
  );
}

/** The names of the targets of the provisionings, and the chosen one, in alphabetical order. */
export const targetsOf = (provisionings: readonly Summary[], chosen: string): string[] => {
  const names = provisionings.flatMap(({ targets = [] }) => targets.map(({ target }) => target));
  return [...new Set(chosen === '' ? names : [...names, chosen])].sort();
};

/** The error codes of the provisionings, in alphabetical order. */
export const codesOf = (provisionings: readonly Summary[]): string[] =>
  [...new Set(provisionings.flatMap(({ failures }) => failures.map(({ code }) => code)))].sort();
