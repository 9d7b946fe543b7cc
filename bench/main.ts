import { Problem } from '../local/problem.ts';
import { full, latencies, quick } from './benchmarks/latency.ts';
import { loading } from './benchmarks/loading.ts';
import { keep } from './performance/keep.ts';
import { latencyRatios, loadingRatios } from './performance/ratios.ts';

/** A benchmark: measures, keeps its part of the results, and writes docs/performance.md anew. */
interface Benchmark {
  /** What it measures, for `npm run bench -- help`. */
  title: string;
  run: (isQuick: boolean) => Promise<void>;
}

/** Each is a file of bench/benchmarks. */
const benchmarks: Record<string, Benchmark> = {
  loading: {
    title: 'Size of the bundles, and how long they take to be loaded',
    run: async (isQuick) => {
      const measured = await loading(isQuick ? 3 : 9);
      await keep('loading', { measured, ratios: loadingRatios(measured) }, isQuick);
    },
  },
  latency: {
    title: 'POST, time to SUCCEEDED, the floor of bare calls, one synchronous function, rate, cold starts',
    run: async (isQuick) => {
      const measured = await latencies(isQuick ? quick : full);
      await keep('latency', { measured, ratios: latencyRatios(measured) }, isQuick);
    },
  },
};

const help = (): string =>
  Object.entries(benchmarks)
    .map(([name, { title }]) => `  ${name.padEnd(10)} ${title}\n`)
    .join('');

/**
 * `npm run bench`: all benchmarks; `npm run bench -- latency`: one of them; `npm run bench -- help`: which there are.
 * `--quick` tries it with few measurements and keeps nothing.
 */
export async function main(args: string[]): Promise<number> {
  const named = args.filter((arg) => !arg.startsWith('--'));
  if (named.includes('help')) {
    process.stdout.write(help());
    return 0;
  }
  for (const name of named.length === 0 ? Object.keys(benchmarks) : named) {
    const benchmark = benchmarks[name];
    if (benchmark === undefined)
      throw new Problem(`There is no benchmark ${name}.`, `These are:\n${help().trimEnd()}`);
    await benchmark.run(args.includes('--quick'));
  }
  return 0;
}
