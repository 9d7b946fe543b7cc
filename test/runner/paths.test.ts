import { describe, expect, it } from '@jest/globals';
import { thrownBy } from '../support/thrown.ts';
import { testsOf } from './paths.ts';

/** The tests that a path of `npm run test:one` selects, and their projects of jest.config.js. */

const select = async (...paths: string[]) => Object.fromEntries(await testsOf(paths));

describe('npm run test:one', () => {
  it.each([
    ['unit', 'test/cli/logs.test.ts'],
    ['e2e', 'test/e2e/pool.test.ts'],
    ['permissions', 'test/permissions/permissions.test.ts'],
    ['faults', 'test/faults/alone/sweep.test.ts'],
    ['load', 'test/load/deployed/burst.test.ts'],
    ['unit', 'test/runner/paths.test.ts'],
    ['local-aws', 'test/local-aws/kms.test.ts'],
    ['trace-page', 'test/trace-page/page.test.ts'],
    ['models', 'test/models/recorded.test.ts'],
  ])('finds the project %s of %s', async (project, file) => {
    expect(await select(file)).toEqual({ [project]: [file] });
  });

  it('finds the test of a source file', async () => {
    expect(await select('cli/logs.ts')).toEqual({ unit: ['test/cli/logs.test.ts'] });
  });

  it.each(['test/acceptance', 'acceptance', './test/acceptance/'])(
    'finds the tests of the folder %s',
    async (folder) => {
      const { unit = [], ...others } = await select(folder);

      expect(others).toEqual({});
      expect(unit.length).toBeGreaterThan(1);
      for (const file of unit) expect(file).toMatch(/^test\/acceptance\//);
    },
  );

  it('finds tests of several projects by a part of their path, each once', async () => {
    expect(await select('kms-keys', 'test/local-aws/kms-keys.test.ts', 'cli/logs.test')).toEqual({
      'local-aws': ['test/local-aws/kms-keys.test.ts'],
      unit: ['test/cli/logs.test.ts'],
    });
  });

  it.each([
    ['infra/setings.ts', 'Is test/infra/settings.test.ts meant?'],
    ['nothing/like/it', expect.stringContaining('Name a test')],
  ])('rejects %s, and suggests a path', async (path, remedy) => {
    expect(await thrownBy(testsOf([path]))).toMatchObject({
      name: 'CommandError',
      message: `No test has the path ${path}.`,
      remedy,
    });
  });
});
