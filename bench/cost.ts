import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../local/places.ts';
import { countAll } from './cost/count.ts';
import { costPage } from './cost/page.ts';
import { deployedResources } from './cost/resources.ts';
import { readCountResults } from './count/results.ts';
import { performancePage } from './performance/page.ts';
import { readResults } from './performance/results.ts';

const write = (page: string, content: string): void => writeFileSync(join(root, 'docs', page), content);

/** `npm run cost`: writes docs/cost.md from what was counted; `npm run cost -- count`: counts anew before. */
export async function main([what]: string[]): Promise<number> {
  if (what === 'count') await countAll();
  const counts = readCountResults();
  write('cost.md', costPage(counts, deployedResources()));
  // Its chapter on memory takes what was counted, too.
  write('performance.md', performancePage(readResults(), counts));
  return 0;
}
