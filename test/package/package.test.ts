import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { root } from '../../cli/support/paths.ts';
import { modulesOf } from '../support/documented.ts';
import { resources } from '../support/resources.ts';
import { type FreshFolder, freshFolder, readManifest } from './support/fresh-folder.ts';

/** The package, packed and installed outside the checkout. It needs npm's registry or cache, and no AWS. */

jest.setTimeout(120_000);

const GUIDE = 'docs/adding-a-service.md';

/** Bytes of the tarball: 16 functions with the AWS SDK, and the command line. */
const MAX_TARBALL = 3_500_000;

let fresh: FreshFolder;
beforeAll(async () => {
  fresh = await freshFolder();
}, 300_000);
afterAll(() => fresh?.remove());

describe('the tarball', () => {
  it('is at most 3.5 MB large', () => {
    expect(fresh.packed.size).toBeLessThanOrEqual(MAX_TARBALL);
    expect(fresh.packed.size).toBeGreaterThan(MAX_TARBALL / 2);
  });

  it('contains the functions of a target and none of App1', () => {
    const functions = fresh.packed.files.filter((path) => path.startsWith('dist/bundles/'));

    expect(functions).toContain('dist/bundles/app2/create-user/index.js');
    expect(functions.filter((path) => !/^dist\/bundles\/app2\/[a-z-]+\/index\.js$/.test(path))).toEqual([]);
  });

  it.each(['LICENSE', 'README.md', 'dist/THIRD-PARTY-LICENSES.md'])('contains %s', (file) => {
    expect(fresh.packed.files).toContain(file);
  });

  it('contains no TypeScript source, no test and no path of the machine that built it', async () => {
    const sources = fresh.packed.files.filter((path) => /(?<!\.d)\.ts$|(^|\/)test\//.test(path));
    const texts = await Promise.all(
      fresh.packed.files.map(async (path) => ({ path, text: await readFile(join(root, path), 'utf8') })),
    );

    expect(sources).toEqual([]);
    expect(texts.filter(({ text }) => text.includes(root)).map(({ path }) => path)).toEqual([]);
  });
});

describe('the installed package', () => {
  const installed = () => join(fresh.directory, 'node_modules', 'cross-service-provisioning');

  it('brings no package of its own', async () => {
    const { packages } = JSON.parse(await readFile(join(fresh.directory, 'package-lock.json'), 'utf8'));

    expect(packages['node_modules/cross-service-provisioning'].dependencies).toBeUndefined();
  });

  it('type-checks the examples, with the types of the libraries', async () => {
    const compilerOptions = {
      strict: true,
      // The types of aws-cdk-lib have errors with exactOptionalPropertyTypes.
      module: 'nodenext',
      target: 'es2023',
      types: ['node'],
      allowImportingTsExtensions: true,
      allowJs: true,
      checkJs: true,
      noEmit: true,
      skipLibCheck: false,
    };
    const tsconfig = { compilerOptions, include: ['examples'] };
    await writeFile(join(fresh.directory, 'tsconfig.json'), JSON.stringify(tsconfig));

    await expect(fresh.run(join(root, 'node_modules', '.bin', 'tsc'), [])).resolves.toBe('');
  });

  it('synthesizes the payment service from at most 15 lines, with the bundled functions and without a compiler', async () => {
    const folder = join(fresh.directory, 'examples', 'payments');
    await fresh.run('node', ['app.mjs'], 'examples/payments', { CDK_OUTDIR: join(folder, 'cdk.out') });

    const template = JSON.parse(await readFile(join(folder, 'cdk.out', 'Payments.template.json'), 'utf8'));
    const lines = (await readFile(join(folder, 'app.mjs'), 'utf8')).trim().split('\n');

    expect(Object.keys(template.Outputs)).toEqual(expect.arrayContaining(['UsersTarget', 'UsersApiUrl']));
    expect(lines.length).toBeLessThanOrEqual(15);
  });

  it.each([...modulesOf(GUIDE)])('synthesizes the app of the guide under "%s"', async (section, text) => {
    const folder = join(fresh.directory, 'examples', 'payments');
    const steps = ['decrypt', 'create', 'password', 'group', 'delete'];
    for (const step of steps) {
      await mkdir(join(folder, 'steps', step), { recursive: true });
      await writeFile(join(folder, 'steps', step, 'index.mjs'), 'export const handler = async () => ({});');
    }
    await writeFile(join(folder, 'guide.mjs'), text);
    const outdir = join(folder, `${section.replaceAll(/\W/g, '-')}.out`);

    await fresh.run('node', ['guide.mjs'], 'examples/payments', { CDK_OUTDIR: outdir });

    const templates = (await readdir(outdir)).filter((file) => file.endsWith('.template.json'));
    const template = JSON.parse(await readFile(join(outdir, templates[0] ?? ''), 'utf8'));

    expect(templates).toHaveLength(1);
    expect(resources(template, 'AWS::StepFunctions::StateMachine')).not.toEqual([]);
  });

  it('synthesizes the access register', async () => {
    await fresh.run('node', ['--import', 'tsx', 'app.ts'], 'examples/access-register');
  });

  it('checks an expectation of a subscriber against the catalogue and the recorded events', async () => {
    await writeFile(
      join(fresh.directory, 'contract.mjs'),
      `import { checkAgainstCatalogue, checkAgainstProduced, readEvent } from 'cross-service-provisioning/events';
       import created from 'cross-service-provisioning/events/produced/ServiceUserCreated.json' with { type: 'json' };
       import * as z from 'zod';
       const reads = z.object({ detail: z.object({ data: z.object({ username: z.string(), age: z.number() }) }) });
       const expectation = { events: ['ServiceUserCreated'], reads };
       console.log(JSON.stringify({
         read: readEvent(created[0])['detail-type'],
         violations: [checkAgainstCatalogue(expectation), checkAgainstProduced(expectation, created.slice(0, 1))],
       }));`,
    );

    expect(JSON.parse(await fresh.run('node', ['--no-warnings', 'contract.mjs']))).toEqual({
      read: 'ServiceUserCreated',
      violations: [
        [expect.stringContaining('data.age: the schema requires the field')],
        [expect.stringContaining('detail.data.age')],
      ],
    });
  });

  it('has the saga without the rest', async () => {
    const names = `import * as workflows from 'cross-service-provisioning/workflows';
      console.log(Object.keys(workflows).join())`;

    expect(await fresh.run('node', ['--input-type=module', '-e', names])).toBe(
      'createServiceUser,provisionServiceUser,rollBackProvisioning,rollBackServiceUser\n',
    );
  });

  it('runs provision without the packages of the checkout', async () => {
    const { version } = await readManifest();

    await expect(fresh.run('npx', ['provision', '--version'])).resolves.toBe(`${version}\n`);
    await expect(fresh.run('npx', ['provision', '--help'])).resolves.toMatch(/^Usage: provision /);
    expect(await readdir(installed())).not.toContain('node_modules');
  });

  it('asks for an option that selects AWS, because it cannot start a local AWS', async () => {
    const message = await fresh.run('npx', ['provision', 'targets']).catch(String);

    expect(message).toContain('No option selects AWS.');
    expect(message).toContain('--profile');
    expect(message).not.toContain('npm run up');
  });

  it('accepts the versions of its peers with which it is tested, and later ones', async () => {
    const { peerDependencies, devDependencies } = await readManifest();

    for (const [name, range] of Object.entries(peerDependencies))
      expect([name, range]).toEqual([name, `^${devDependencies[name]}`]);
  });
});

describe('an example', () => {
  it.each(['access-register', 'payments'])('%s has the versions of the checkout', async (name) => {
    const own = await readFile(join(root, 'examples', name, 'package.json'), 'utf8');
    const { dependencies = {}, devDependencies = {} } = JSON.parse(own);
    const { devDependencies: pins, name: thisPackage, version } = await readManifest();
    const { [thisPackage]: packed, ...others } = { ...dependencies, ...devDependencies };

    expect(packed).toBe(`file:../../${thisPackage}-${version}.tgz`);
    expect(others).toEqual(Object.fromEntries(Object.keys(others).map((other) => [other, pins[other]])));
  });
});
