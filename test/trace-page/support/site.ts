import { buildPage } from '../../../trace/build.ts';
import { readerOf } from '../../../trace/reader.ts';
import { serve } from '../../../trace/server.ts';
import { type FakeAws, services } from '../../trace/support/fake-aws.ts';
import { NOW, scene } from '../../trace/support/scene.ts';

/** The same for all; making it takes a moment. */
const page = buildPage();

export interface Site {
  url: string;
  /** Address of what is shown: `list`, or a provisioning and a step of it. */
  at(id?: string, step?: string): string;
  close(): void;
}

/** The page as it is served, with an AWS that stands still. */
export async function siteOf(aws: FakeAws = scene()): Promise<Site> {
  const reader = readerOf(
    aws,
    { where: 'local AWS', services, lookUpsPerSecond: Number.POSITIVE_INFINITY },
    () => NOW,
  );
  const server = await serve(reader, await page, 0);
  return {
    url: server.url,
    at: (id, step) =>
      `${server.url}#/${id === undefined ? '' : `provisionings/${id}`}${step === undefined ? '' : `?step=${encodeURIComponent(step)}`}`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
