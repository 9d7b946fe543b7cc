import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Argument } from '@commander-js/extra-typings';
import { npmCommand, runCommand } from '../cli/support/command.ts';
import { root } from '../cli/support/paths.ts';
import { costPage } from './cost/page.ts';
import { deployedResources } from './cost/resources.ts';
import { readCountResults } from './count/results.ts';
import { performancePage } from './performance/page.ts';
import { readResults } from './performance/results.ts';

const write = (page: string, content: string): void => writeFileSync(join(root, 'docs', page), content);

/** `npm run cost`: writes docs/cost.md from the recorded counts; `npm run cost -- count`: counts first. */
export async function main(args: string[]): Promise<number> {
  const command = npmCommand('cost')
    .description(
      'Writes docs/cost.md from the recorded counts of each path of a provisioning, and from prices.',
    )
    .addArgument(new Argument('[count]', 'count each path on a local AWS first').choices(['count']));
  const parse = () => command.parse(args, { from: 'user' });
  return runCommand(parse, async () => {
    if (command.processedArgs[0] === 'count') await (await import('./cost/count.ts')).countAll();
    const counts = readCountResults();
    write('cost.md', costPage(counts, deployedResources()));
    // The chapter on memory uses the counts, too.
    write('performance.md', performancePage(readResults(), counts));
    return 0;
  });
}
