import { npmCommand, runCommand } from '../cli/support/command.ts';
import { keep } from './performance/keep.ts';
import { latencyRatios, loadingRatios } from './performance/ratios.ts';

interface Extent {
  /** Few measurements, of which nothing is kept. */
  quick: boolean;
}

async function measureLoading({ quick: isTrial }: Extent): Promise<void> {
  const { loading } = await import('./benchmarks/loading.ts');
  const measured = await loading(isTrial ? 3 : 9);
  await keep('loading', { measured, ratios: loadingRatios(measured) }, isTrial);
}

async function measureLatency({ quick: isTrial }: Extent): Promise<void> {
  const { full, latencies, quick } = await import('./benchmarks/latency.ts');
  const measured = await latencies(isTrial ? quick : full);
  await keep('latency', { measured, ratios: latencyRatios(measured) }, isTrial);
}

/** What a benchmark does, and its exit status. */
type Run = () => Promise<number>;

/** The command line. `chosen` gets what was asked for. */
function program(chosen: (run: Run) => void) {
  const all = npmCommand('bench')
    .description(
      'Measures how quick it is; without a name, sizes, loading and latency. Keep the machine quiet.',
    )
    .showHelpAfterError('`npm run bench -- help` tells what can be measured.');
  const measuring = (
    name: string,
    description: string,
    measure: (extent: Extent) => Promise<void>,
    isDefault = false,
  ) =>
    all
      .command(name, { isDefault })
      .description(description)
      .option('--quick', 'only try it: few measurements, and nothing is kept', false)
      .action((extent) => chosen(() => measure(extent).then(() => 0)));
  const both = async (extent: Extent) => {
    await measureLoading(extent);
    await measureLatency(extent);
  };
  measuring('all', 'loading, then latency; writes docs/performance.md', both, true);
  measuring('loading', 'size of the bundles, and how long they take to be loaded', measureLoading);
  measuring(
    'latency',
    'POST, time to SUCCEEDED, the floor of bare calls, one synchronous function, rate, cold starts',
    measureLatency,
  );
  return all;
}

/** `npm run bench`: how quick it is; `npm run bench -- help`: what can be measured alone. Exit status 2: wrong usage. */
export async function main(args: string[]): Promise<number> {
  let run: Run = async () => 0;
  const all = program((one) => {
    run = one;
  });
  return runCommand(
    () => all.parse(args, { from: 'user' }),
    () => run(),
  );
}
