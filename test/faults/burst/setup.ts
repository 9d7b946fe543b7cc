import { underTest } from '../../../bench/burst/place.ts';
import type { Outputs } from '../../../local/outputs.ts';
import { burstDirectory } from '../../../local/places.ts';
import { listrProgress } from '../../../local/progress.ts';
import { withProxiedAws } from '../../../local/proxied.ts';
import { keptUp } from '../../support/kept-up.ts';

const localAws = keptUp<Outputs>((use) =>
  withProxiedAws({ directory: burstDirectory, underTest }, listrProgress, (outputs, proxyUrl) => {
    process.env['FAULT_PROXY_URL'] = proxyUrl;
    return use(outputs);
  }),
);

/** Brings up a local AWS with a proxy that enforces quotas in front of all that the functions call. */
export default async function setUp(): Promise<void> {
  process.env['LOCAL_AWS_DIR'] = burstDirectory;
  await localAws.up();
}

export const tearDown = localAws.down;
