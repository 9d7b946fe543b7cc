import type { BuildOptions } from 'esbuild';

/** esbuild options of every program. */
export const programOptions: BuildOptions;
