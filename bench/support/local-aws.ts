import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import getPort from 'get-port';
import type { Outputs } from '../../cli/outputs.ts';
import { root } from '../../cli/support/paths.ts';
import { listrProgress } from '../../cli/support/progress.ts';
import { startFaultProxy } from '../../local/harness/fault-proxy.ts';
import { guarded } from '../../local/interrupt.ts';
import { ensurePython } from '../../local/python.ts';
import { withLocalAws } from '../../local/stack.ts';

/** Directory of the local AWS of the benchmarks, apart from those of `npm run up` and of the tests. */
export const benchDirectory = join(root, '.local', 'bench');

/** Runs a function with a local AWS for benchmarks, with App1, App2 and the given further targets. */
export const withBenchAws = <Result>(
  targets: readonly string[],
  use: (outputs: Outputs) => Promise<Result>,
): Promise<Result> => withLocalAws({ directory: benchDirectory, targets }, listrProgress, use);

/** The same with a proxy that receives all calls of functions and state machines. */
export async function withCountedAws<Result>(
  targets: readonly string[],
  use: (outputs: Outputs, proxyUrl: string) => Promise<Result>,
): Promise<Result> {
  const [port, proxyPort] = [await getPort({ host: '127.0.0.1' }), await getPort({ host: '127.0.0.1' })];
  const python = await listrProgress.run('Python packages', (report) => ensurePython({ onProgress: report }));
  await mkdir(benchDirectory, { recursive: true });
  const proxy = await startFaultProxy({
    python,
    port: proxyPort,
    upstream: `http://127.0.0.1:${port}`,
    directory: benchDirectory,
  });
  return guarded(proxy.stop, async () => {
    try {
      const testSwitches = { predictableSubs: true, serviceCallsThroughEndpoint: true };
      const options = { directory: benchDirectory, port, targets, lambdaEndpoint: proxy.url, testSwitches };
      return await withLocalAws(options, listrProgress, (outputs) => use(outputs, proxy.url));
    } finally {
      await proxy.stop();
    }
  });
}
