import { Problem } from '../local/problem.ts';
import { full, latencies, quick } from './benchmarks/latency.ts';
import { loading } from './benchmarks/loading.ts';
import { keep } from './performance/keep.ts';
import { latencyRatios, loadingRatios } from './performance/ratios.ts';

interface Benchmark {
  /** What it measures, for `npm run bench -- help`. */
  title: string;
  /** Whether `npm run bench` runs it, or only who names it. */
  always: boolean;
  /** Measures, and keeps what it measured; gives the exit status. */
  run: (args: readonly string[]) => Promise<number>;
}

const isQuick = (args: readonly string[]): boolean => args.includes('--quick');

/** Each is a file of bench/benchmarks. */
const benchmarks: Record<string, Benchmark> = {
  loading: {
    title: 'Size of the bundles, and how long they take to be loaded',
    always: true,
    run: async (args) => {
      const measured = await loading(isQuick(args) ? 3 : 9);
      await keep('loading', { measured, ratios: loadingRatios(measured) }, isQuick(args));
      return 0;
    },
  },
  latency: {
    title: 'POST, time to SUCCEEDED, the floor of bare calls, one synchronous function, rate, cold starts',
    always: true,
    run: async (args) => {
      const measured = await latencies(isQuick(args) ? quick : full);
      await keep('latency', { measured, ratios: latencyRatios(measured) }, isQuick(args));
      return 0;
    },
  },
  burst: {
    title: '300 requests at once against a fifth of the quotas of AWS; says which promises hold',
    always: false,
    run: async (args) => (await import('./burst.ts')).main([...args]),
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
  const all = Object.keys(benchmarks).filter((name) => benchmarks[name]?.always);
  let status = 0;
  for (const name of named.length === 0 ? all : named.slice(0, 1)) {
    const benchmark = benchmarks[name];
    if (benchmark === undefined)
      throw new Problem(`There is no benchmark ${name}.`, `These are:\n${help().trimEnd()}`);
    status = Math.max(status, await benchmark.run(args.filter((arg) => arg !== name)));
  }
  return status;
}
