/**
 * What a check of the preflight found. `missing`: a deployment will not work; `note`: it will, and somebody should know;
 * `unchecked`: it cannot be looked at from here.
 */
export interface Finding {
  what: string;
  found: string;
  needed: string;
  verdict: 'ok' | 'note' | 'missing' | 'unchecked';
  /** What to do; absent when nothing is. */
  toDo?: string;
}

export const ok = (what: string, found: string, needed: string): Finding => ({
  what,
  found,
  needed,
  verdict: 'ok',
});
export const note = (what: string, found: string, needed: string, toDo: string): Finding => ({
  what,
  found,
  needed,
  verdict: 'note',
  toDo,
});
export const missing = (what: string, found: string, needed: string, toDo: string): Finding => ({
  what,
  found,
  needed,
  verdict: 'missing',
  toDo,
});
export const unchecked = (what: string, why: string, toDo: string): Finding => ({
  what,
  found: why,
  needed: '',
  verdict: 'unchecked',
  toDo,
});
