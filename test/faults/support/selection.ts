/**
 * Which cases of a table are run: all of them by `npm run test:faults`, a sample by `npm test`, those whose name
 * contains a text with FAULTS_ONLY.
 */
export function selected<C extends { name: string }>(cases: readonly C[], sample = 1): readonly C[] {
  const only = process.env['FAULTS_ONLY'];
  if (only !== undefined) return cases.filter(({ name }) => name.includes(only));
  if (process.env['FAULTS'] !== 'sample') return cases;
  return cases.filter((_, n) => n % sample === 0);
}
