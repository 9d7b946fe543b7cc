import type { Results } from './results.ts';
export const performancePage = (_: Results): string => '';
