/**
 * The result of a check of the preflight. `missing`: a deployment fails; `note`: it succeeds, and the operator should know
 * the finding; `unchecked`: the check could not run.
 */
export interface Finding {
  what: string;
  found: string;
  needed: string;
  verdict: 'ok' | 'note' | 'missing' | 'unchecked';
  /** What to do; absent when there is nothing to do. */
  remedy?: string;
}

export const ok = (what: string, found: string, needed: string): Finding => ({
  what,
  found,
  needed,
  verdict: 'ok',
});
export const note = (what: string, found: string, needed: string, remedy: string): Finding => ({
  what,
  found,
  needed,
  verdict: 'note',
  remedy,
});
export const missing = (what: string, found: string, needed: string, remedy: string): Finding => ({
  what,
  found,
  needed,
  verdict: 'missing',
  remedy,
});
export const unchecked = (what: string, found: string, remedy: string): Finding => ({
  what,
  found: found,
  needed: '',
  verdict: 'unchecked',
  remedy,
});
