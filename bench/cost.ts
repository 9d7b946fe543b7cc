import { countAll } from './cost/count.ts';

/** `npm run cost`: writes docs/cost.md; `npm run cost -- count`: counts anew before. */
export async function main([what]: string[]): Promise<number> {
  if (what === 'count') await countAll();
  return 0;
}
