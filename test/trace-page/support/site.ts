import { buildPage } from '../../../trace/build.ts';
import { createReader } from '../../../trace/reader.ts';
import { serve } from '../../../trace/server.ts';
import { type FakeAws, services } from '../../trace/support/fake-aws.ts';
import { NOW, scene } from '../../trace/support/scene.ts';

/** Built once for all tests. */
const page = buildPage();

export interface Site {
  url: string;
  /** URL of the list, or of a provisioning. */
  at(id?: string): string;
  close(): void;
}

/** Serves the page with a fake AWS at a fixed time, by default with one target. */
export async function siteOf(aws: FakeAws = scene(), deployed = services): Promise<Site> {
  const reader = createReader(
    aws,
    { environment: 'local AWS', services: deployed, callsPerSecond: Number.POSITIVE_INFINITY },
    () => NOW,
  );
  const server = await serve(reader, await page, 0);
  return {
    url: server.url,
    at: (id) => `${server.url}#/${id === undefined ? '' : `provisionings/${id}`}`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
