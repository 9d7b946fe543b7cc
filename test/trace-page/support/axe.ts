import axe from 'axe-core';
import type { Page } from 'playwright-core';
import * as z from 'zod';

const result = z.object({
  violations: z.array(
    z.object({ id: z.string(), help: z.string(), nodes: z.array(z.object({ html: z.string() })) }),
  ),
  passes: z.array(z.object({ id: z.string() })),
});

/** The accessibility rules that the page violates, with the element. github.com/dequelabs/axe-core */
export async function findViolations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations, passes } = result.parse(
    await page.evaluate("axe.run({ resultTypes: ['violations'] })"),
  );
  if (passes.length < 10) throw new Error('The page has too few elements to be checked.');
  return violations.flatMap(({ id, help, nodes }) => nodes.map(({ html }) => `${id}: ${help}: ${html}`));
}
