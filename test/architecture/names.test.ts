import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { root } from '../../cli/support/paths.ts';
import { events } from '../../contracts/events/catalogue.ts';
import { failures } from '../../contracts/failures.ts';
import { problems } from '../../contracts/problems.ts';
import { definitions } from '../../docs/generate/workflows/definitions.ts';
import { context } from '../../infra/settings.ts';

/**
 * `git grep NAME` leads from any name of the system to its contract, its implementation, its test and its page: each is
 * written whole, never composed. This file names nothing itself, so it counts for no test.
 */

const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((file) => /^(contracts|handlers|workflows|infra|test|docs)\/.*\.(ts|md|json)$/.test(file))
  .map((file) => ({ file, words: new Set(readFileSync(join(root, file), 'utf8').match(/\w+/g)) }));

/** The locations in which a name must occur: a title, and the paths of its files. */
type Locations = Record<string, RegExp>;

/** The locations without a file that contains one of the names. */
function missing(names: readonly string[], locations: Locations): string[] {
  return Object.entries(locations)
    .filter(
      ([, path]) =>
        !files.some(({ file, words }) => path.test(file) && names.some((name) => words.has(name))),
    )
    .map(([title]) => title);
}

const TESTS = /^test\/.*\.ts$/;
const PAGES = /^docs\/[^/]+\.md$/;

const states = Object.values(definitions()).flatMap(({ States }) => Object.keys(States));

/** Names of errors by code: the code is part of the contract, the name is that of Step Functions. */
const namesByCode = new Map<string, string[]>();
for (const [name, { code }] of Object.entries(failures))
  namesByCode.set(code, [...(namesByCode.get(code) ?? []), name]);

describe('git grep', () => {
  it.each([...new Set(states)])(
    'finds definition, implementation, test and page of the state %s',
    (state) => {
      expect(
        missing([state], {
          definition: /^test\/workflows\/golden\//,
          implementation: /^workflows\//,
          test: TESTS,
          page: PAGES,
        }),
      ).toEqual([]);
    },
  );

  it.each([...namesByCode])('finds contract, test and page of the error code %s', (code) => {
    expect(missing([code], { contract: /^contracts\//, test: TESTS, page: PAGES })).toEqual([]);
  });

  it.each(Object.keys(failures))('finds contract, implementation, test and page of the error %s', (name) => {
    expect(
      missing([name], {
        contract: /^contracts\//,
        // EventNotPublished is thrown by no code of ours: the contract maps EventBridge's errors to it.
        implementation: name === 'EventNotPublished' ? /^contracts\// : /^(handlers|workflows)\//,
        test: TESTS,
        page: PAGES,
      }),
    ).toEqual([]);
  });

  it.each(Object.keys(problems))(
    'finds contract, implementation, test and page of the problem %s',
    (code) => {
      expect(
        missing([code], {
          contract: /^contracts\//,
          implementation: /^(handlers|infra)\//,
          test: TESTS,
          page: PAGES,
        }),
      ).toEqual([]);
    },
  );

  it.each(Object.keys(events))('finds contract, implementation, test and page of the event %s', (event) => {
    expect(
      missing([event], {
        contract: /^contracts\/events\/catalogue\.ts$/,
        implementation: /^(handlers|workflows)\//,
        test: TESTS,
        page: PAGES,
      }),
    ).toEqual([]);
  });

  it.each(Object.keys(context.in.shape))('finds schema, test and page of the setting %s', (setting) => {
    expect(missing([setting], { schema: /^infra\/settings\.ts$/, test: TESTS, page: PAGES })).toEqual([]);
  });

  it('finds nothing of a name that does not exist', () => {
    const name = ['No', 'Such', 'State'].join('');

    expect(missing([name], { page: PAGES, test: TESTS })).toEqual(['page', 'test']);
  });
});
