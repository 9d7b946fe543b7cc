import type { Summary } from '../model.ts';
import type { Route } from './route.ts';

const failed = ({ status }: Summary) => ['FAILED', 'ABORTED', 'TIMED_OUT'].includes(status);
const left = ({ left }: Summary) => left === 'user' || left === 'announcement';

const shown: Record<Route['show'], (one: Summary) => boolean> = {
  all: () => true,
  running: ({ running }) => running,
  succeeded: ({ status, user }) => status === 'SUCCEEDED' && user !== 'absent',
  failed,
  rolledback: ({ roll_backs }) => roll_backs > 0,
  left,
};

/** The provisionings that the filters let through. */
export function filtered(
  provisionings: readonly Summary[],
  { show, code, text }: Pick<Route, 'show' | 'code' | 'text'>,
): Summary[] {
  const wanted = text.trim().toLowerCase();
  return provisionings.filter(
    (one) =>
      shown[show](one) &&
      (code === '' || one.failures.some((failure) => failure.code === code)) &&
      [one.provisioning_id, one.username, one.human_user_id].some((field) =>
        field?.toLowerCase().includes(wanted),
      ),
  );
}

/** The codes that occur, in alphabetical order. */
export const codesOf = (provisionings: readonly Summary[]): string[] =>
  [...new Set(provisionings.flatMap(({ failures }) => failures.map(({ code }) => code)))].sort();
