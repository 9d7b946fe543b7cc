import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { root } from '../../cli/support/paths.ts';
import { mutations } from './mutations.ts';

it.each(mutations)('the mutation "$name" fits the present code', ({ changes }) => {
  for (const { file, from, to } of changes) {
    expect([file, readFileSync(join(root, file), 'utf8').split(from).length - 1]).toEqual([file, 1]);
    expect(to).not.toBe(from);
  }
});
