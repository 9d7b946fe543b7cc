import { mkdir } from 'node:fs/promises';
import getPort from 'get-port';
import { startFaultProxy } from '../../local/fault-proxy.ts';
import { guarded } from '../../local/interrupt.ts';
import type { Outputs } from '../../local/outputs.ts';
import { faultsDirectory } from '../../local/places.ts';
import { listrProgress } from '../../local/progress.ts';
import { ensurePython } from '../../local/python.ts';
import { withLocalAws } from '../../local/stack.ts';
import { tell } from '../e2e/setup.ts';
import { keptUp } from '../support/kept-up.ts';
import { AT_ONCE } from './support/at-once.ts';

/** Retry pauses with full jitter are drawn from this part of their range: a legal draw, and a quick one. */
const JITTER = 0.01;

/** Two files at a time, of which each provisioning may wait for App2, or at App2, for seconds. */
const WAITING = 2 * AT_ONCE;
const WORKERS = {
  each: 16,
  of: {
    'app1-call-app2': WAITING,
    'app2-start-user-creation': WAITING,
    'app2-cancel-user-creation': WAITING,
  },
};

const localAws = keptUp<Outputs>(async (use) => {
  const [port, proxyPort] = [await getPort({ host: '127.0.0.1' }), await getPort({ host: '127.0.0.1' })];
  const python = await listrProgress.run('Python packages', (report) => ensurePython({ onProgress: report }));
  await mkdir(faultsDirectory, { recursive: true });
  const proxy = await startFaultProxy({
    python,
    port: proxyPort,
    upstream: `http://127.0.0.1:${port}`,
    directory: faultsDirectory,
  });
  process.env['FAULT_PROXY_URL'] = proxy.url;
  await guarded(proxy.stop, async () => {
    try {
      const underTest = {
        jitter: JITTER,
        predictableSubs: true,
        serviceCallsThroughEndpoint: true,
        interventions: true,
        workers: WORKERS,
      };
      const options = { directory: faultsDirectory, port, lambdaEndpoint: proxy.url, underTest };
      await withLocalAws(options, listrProgress, use);
    } finally {
      await proxy.stop();
    }
  });
});

/** Brings up a local AWS with a fault proxy in front of all that the functions and state machines call. */
export default async function setUp(): Promise<void> {
  process.env['LOCAL_AWS_DIR'] = faultsDirectory;
  tell(await localAws.up());
}

export const tearDown = localAws.down;
