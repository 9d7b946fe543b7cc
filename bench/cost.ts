import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../local/places.ts';
import { countAll } from './cost/count.ts';
import { costPage } from './cost/page.ts';
import { deployedResources } from './cost/resources.ts';
import { readCountResults } from './count/results.ts';

/** `npm run cost`: writes docs/cost.md from what was counted; `npm run cost -- count`: counts anew before. */
export async function main([what]: string[]): Promise<number> {
  if (what === 'count') await countAll();
  writeFileSync(join(root, 'docs', 'cost.md'), costPage(readCountResults(), deployedResources()));
  return 0;
}
