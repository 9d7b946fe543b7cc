import { join } from 'node:path';
import { root } from '../local/places.ts';
import { listrProgress } from '../local/progress.ts';
import { withProxiedAws } from '../local/proxied.ts';
import { rateOf, runBurst, withVariables } from './burst/run.ts';

/** `npm run bench -- burst`: many POSTs at once, with AWS's ceilings enforced. */
export async function main(args: string[]): Promise<number> {
  const option = (name: string, otherwise: number): number => {
    const at = args.indexOf(`--${name}`);
    return at < 0 ? otherwise : Number(args[at + 1]);
  };
  const [count, scale] = [option('count', 300), option('scale', 0.2)];
  const underTest = { serviceCallsThroughEndpoint: true, workers: { each: 4, of: {} } };
  return withProxiedAws(
    { directory: join(root, '.local', 'burst'), underTest },
    listrProgress,
    async (outputs, proxyUrl) => {
      const variables = { CREATIONS_PER_SECOND: String(23.5 * scale), WAITS_PER_SECOND: String(4 * scale) };
      const burst = await withVariables(outputs, 'app2-start-user-creation', variables, () =>
        runBurst({ outputs, proxyUrl, count, scale, within: 600 }),
      );
      const facts = new Map<string, number>();
      for (const fact of burst.ends.values()) facts.set(fact, (facts.get(fact) ?? 0) + 1);
      console.log([...facts], 'seconds', burst.seconds, 'longest POST', burst.longestPost);
      console.log('rate', rateOf(burst.counted), 'of', 25 * scale);
      console.log(burst.counted.made);
      for (const [name, { passed, refused }] of Object.entries(burst.counted.quotas))
        console.log(name, passed.length, 'refused', refused.length);
      return 0;
    },
  );
}
