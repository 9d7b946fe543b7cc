import type { Outputs } from '../../../cli/outputs.ts';
import { listrProgress } from '../../../cli/support/progress.ts';
import { loadDirectory } from '../../../local/paths.ts';
import { keptUp } from '../../support/kept-up.ts';
import { withProxiedAws } from '../../support/proxied.ts';
import { testSwitches } from '../worker-pool.ts';

const localAws = keptUp<Outputs>((use) =>
  withProxiedAws(
    { directory: loadDirectory, targets: ['payments'], testSwitches },
    listrProgress,
    (outputs, proxyUrl) => {
      process.env['FAULT_PROXY_URL'] = proxyUrl;
      return use(outputs);
    },
  ),
);

/** Starts a local AWS with a proxy that enforces quotas on all calls of the functions. */
export default async function setUp(): Promise<void> {
  process.env['LOCAL_AWS_DIR'] = loadDirectory;
  await localAws.up();
}

export const tearDown = localAws.down;
