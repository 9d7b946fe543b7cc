import { join } from 'node:path';

/** Where the matrix stands for readers. */
export const failuresPage = join(import.meta.dirname, '..', '..', '..', 'docs', 'failures.md');
