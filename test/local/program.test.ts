import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, jest, test } from '@jest/globals';
import { type Checkout, checkout } from './support/checkout.ts';

jest.setTimeout(30_000);

/** A program that prints a text and its folder, both from an imported file. */
const saying = ({ script }: Checkout, what: string) => {
  script(
    'said.ts',
    `import { basename } from 'node:path';
    export const said: string = \`\${basename(import.meta.dirname)}: ${what}\`;`,
  );
  script(
    'say.ts',
    `import { said } from './said.ts';
    export const main = () => { process.stdout.write(said); return 0; };`,
  );
};

const madeAt = ({ directory }: Checkout): number[] => {
  const programs = join(directory, '.build', 'programs');
  return readdirSync(programs).map((name) => statSync(join(programs, name)).mtimeMs);
};

test('a program is built once, and knows its folder', async () => {
  const here = checkout();
  saying(here, 'hello');

  await expect(here.run('say.ts')).resolves.toEqual({ status: 0, stdout: 'local: hello', stderr: '' });

  const made = madeAt(here);

  await expect(here.run('say.ts')).resolves.toEqual({ status: 0, stdout: 'local: hello', stderr: '' });
  expect(madeAt(here)).toEqual(made);
});

test('a program is built again after an imported file has changed', async () => {
  const here = checkout();
  saying(here, 'hello');
  await here.run('say.ts');
  saying(here, 'good bye');

  await expect(here.run('say.ts')).resolves.toMatchObject({ stdout: 'local: good bye' });
});

test('an unexpected error is reported with file and line', async () => {
  const here = checkout();
  here.script(
    'break.ts',
    "interface Unseen { n: 1 }\nexport const main = () => {\n  throw new RangeError('oh');\n};\n",
  );

  await expect(here.run('break.ts')).resolves.toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/RangeError: oh\n.+local\/break\.ts:3:9/),
  });
});

test('a program with a syntax error fails with message and position', async () => {
  const here = checkout();
  here.script('broken.ts', 'export const main = (;\n');

  await expect(here.run('broken.ts')).resolves.toMatchObject({
    status: 1,
    stderr: expect.stringContaining('local/broken.ts:1:21: ERROR: '),
  });
});
