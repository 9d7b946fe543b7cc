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

/**
 * `npm run bench`: all benchmarks; `npm run bench -- latency`: one of them. `--quick` tries it with few measurements
 * and keeps nothing.
 */
export async function main(args: string[]): Promise<number> {
  const named = args.filter((arg) => !arg.startsWith('--'));
  for (const name of named.length === 0 ? Object.keys(benchmarks) : named) {
    const benchmark = benchmarks[name];
    if (benchmark === undefined) {
      const lines = Object.entries(benchmarks).map(([known, { title }]) => `  ${known.padEnd(10)} ${title}`);
      process.stderr.write(`There is no benchmark ${name}. These are:\n${lines.join('\n')}\n`);
      return 1;
    }
    await benchmark.run(args.includes('--quick'));
  }
  return 0;
}
