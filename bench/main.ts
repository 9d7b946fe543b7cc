import { npmCommand, runCommand } from '../cli/support/command.ts';
import { latencyRatios, loadingRatios, targetRatios } from './performance/ratios.ts';
import { record } from './performance/record.ts';

interface Extent {
  /** Few measurements, without a record. */
  quick: boolean;
}

async function measureLoading({ quick: isTrial }: Extent): Promise<void> {
  const { loading } = await import('./benchmarks/loading.ts');
  const measured = await loading(isTrial ? 3 : 9);
  await record('loading', { measured, ratios: loadingRatios(measured) }, isTrial);
}

async function measureLatency({ quick: isTrial }: Extent): Promise<void> {
  const { full, latencies, quick } = await import('./benchmarks/latency.ts');
  const measured = await latencies(isTrial ? quick : full);
  await record('latency', { measured, ratios: latencyRatios(measured) }, isTrial);
}

async function measureTargets({ quick: isTrial }: Extent): Promise<void> {
  const { targetLatencies } = await import('./benchmarks/targets.ts');
  const measured = await targetLatencies(isTrial ? 5 : 40);
  await record('targets', { measured, ratios: targetRatios(measured) }, isTrial);
}

/** Runs a benchmark; returns the exit status. */
type Run = () => Promise<number>;

/** The command line. `onSelect` receives the selected benchmark. */
function program(onSelect: (run: Run) => void) {
  const all = npmCommand('bench')
    .description('Measures sizes, loading and latency. Run nothing else on the computer meanwhile.')
    .showHelpAfterError('`npm run bench -- help` lists the benchmarks.');
  const addBenchmark = (
    name: string,
    description: string,
    measure: (extent: Extent) => Promise<void>,
    isDefault = false,
  ) =>
    all
      .command(name, { isDefault })
      .description(description)
      .option('--quick', 'few measurements, and no record', false)
      .action((extent) => onSelect(() => measure(extent).then(() => 0)));
  const each = async (extent: Extent) => {
    await measureLoading(extent);
    await measureLatency(extent);
    await measureTargets(extent);
  };
  addBenchmark('all', 'loading, latency, then targets; writes docs/performance.md', each, true);
  addBenchmark('loading', 'size and loading time of the bundles', measureLoading);
  addBenchmark(
    'latency',
    'POST, time to SUCCEEDED, the floor of bare calls, one synchronous function, rate, cold starts',
    measureLatency,
  );
  addBenchmark('targets', 'time to SUCCEEDED at one and at three targets', measureTargets);
  return all;
}

/** `npm run bench`: runs all benchmarks; `npm run bench -- help` lists them. Exit status 2: wrong usage. */
export async function main(args: string[]): Promise<number> {
  let run: Run = async () => 0;
  const all = program((selected) => {
    run = selected;
  });
  return runCommand(
    () => all.parse(args, { from: 'user' }),
    () => run(),
  );
}
