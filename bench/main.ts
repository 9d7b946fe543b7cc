import * as z from 'zod';
import { npmCommand, runCommand } from '../cli/support/command.ts';
import { by, count } from '../cli/values.ts';
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

/** A part of a quota, or of the requests. */
const part = z
  .string()
  .regex(/^(0|1|0?\.\d{1,6})$/, 'must be a part like 0.2')
  .transform(Number);
const enforced = part.refine((value) => value > 0, 'must be more than 0');
const taken = part.refine((value) => value < 1, 'must be less than 1, so that something is left');
const doomed = part.refine((value) => value < 1, 'must be less than 1, so that one can succeed');

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
  all
    .command('burst')
    .description('many requests at once against a part of the quotas of AWS; says which promises hold')
    .option('--count <number>', 'how many requests', by(count), 300)
    .option(
      '--scale <part>',
      'part of the quotas of AWS that is enforced, and known to App2',
      by(enforced),
      0.2,
    )
    .option('--taken <part>', 'part of each quota that others use, of which App2 knows nothing', by(taken), 0)
    .option('--doomed <part>', 'part of the requests whose password App2 refuses', by(doomed), 0)
    .option(
      '--second-caller',
      'have a second caller ask for a few when the others have been accepted; they must start within 2 s',
      false,
    )
    .option('--faults', 'let a tenth of all calls fail, and hold each provisioning against I1 to I6', false)
    .action((options) => chosen(async () => (await import('./burst.ts')).burst(options)));
  return all;
}

/**
 * `npm run bench`: how quick it is; `npm run bench -- help`: what can be measured alone. Exit status 1: a promise of a
 * burst was not kept; 2: it was typed wrongly.
 */
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
