import { mkdir } from 'node:fs/promises';
import getPort from 'get-port';
import type { Outputs } from '../../cli/outputs.ts';
import type { Progress } from '../../cli/support/progress.ts';
import { startFaultProxy } from '../../local/harness/fault-proxy.ts';
import { guarded } from '../../local/interrupt.ts';
import { ensurePython } from '../../local/python.ts';
import { type LocalAwsOptions, withLocalAws } from '../../local/stack.ts';
import type { TestSwitches } from '../../local/test-switches.ts';

/**
 * Starts a local AWS and a fault proxy for the duration of `use`. All calls of functions and state machines pass the proxy.
 * `use` receives the outputs of the deployed system, whose clients bypass the proxy, and the URL of the proxy.
 */
export async function withProxiedAws<Result>(
  {
    directory,
    targets,
    testSwitches,
  }: Pick<LocalAwsOptions, 'directory' | 'targets'> & { testSwitches: TestSwitches },
  progress: Progress,
  use: (outputs: Outputs, proxyUrl: string) => Promise<Result>,
): Promise<Result> {
  const [port, proxyPort] = [await getPort({ host: '127.0.0.1' }), await getPort({ host: '127.0.0.1' })];
  const python = await progress.run('Python packages', (report) => ensurePython({ onProgress: report }));
  await mkdir(directory, { recursive: true });
  const upstream = `http://127.0.0.1:${port}`;
  const proxy = await startFaultProxy({ python, port: proxyPort, upstream, directory });
  return guarded(proxy.stop, async () => {
    try {
      const options = { directory, port, lambdaEndpoint: proxy.url, targets, testSwitches };
      return await withLocalAws(options, progress, (outputs) => use(outputs, proxy.url));
    } finally {
      await proxy.stop();
    }
  });
}
