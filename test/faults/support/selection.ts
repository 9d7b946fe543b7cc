/**
 * The cases of a table that run: all of them in `npm run test:faults`, a sample in `npm test`. With FAULTS_ONLY, those
 * whose name contains one of its texts, which are separated by `|`.
 */
export function selected<C extends { name: string }>(cases: readonly C[], sample = 1): readonly C[] {
  const only = process.env['FAULTS_ONLY'];
  if (only !== undefined)
    return cases.filter(({ name }) => only.split('|').some((text) => name.includes(text)));
  if (process.env['FAULTS'] !== 'sample') return cases;
  return cases.filter((_, n) => n % sample === 0);
}
