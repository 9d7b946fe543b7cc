import { expect, it } from '@jest/globals';
import { shouldUseColor } from '../../cli/support/colors.ts';

it.each([
  ['a terminal', true, {}, true],
  ['a pipe', false, {}, false],
  ['a dumb terminal', true, { TERM: 'dumb' }, false],
  ['NO_COLOR', true, { NO_COLOR: '1' }, false],
  ['NO_COLOR with the value 0', true, { NO_COLOR: '0' }, false],
  ['NO_COLOR that is empty', true, { NO_COLOR: '' }, true],
  ['FORCE_COLOR in a pipe', false, { FORCE_COLOR: '1' }, true],
  ['FORCE_COLOR on a dumb terminal', true, { FORCE_COLOR: '1', TERM: 'dumb' }, true],
  ['FORCE_COLOR that is empty, in a pipe', false, { FORCE_COLOR: '' }, false],
  ['FORCE_COLOR that is empty, on a terminal', true, { FORCE_COLOR: '' }, true],
  ['FORCE_COLOR=0', true, { FORCE_COLOR: '0' }, false],
  ['FORCE_COLOR=false', true, { FORCE_COLOR: 'false' }, false],
  ['both', true, { NO_COLOR: '1', FORCE_COLOR: '1' }, false],
  ['both, NO_COLOR empty', false, { NO_COLOR: '', FORCE_COLOR: '1' }, true],
])('shouldUseColor decides for %s', (_what, isTerminal, environment, expected) => {
  expect(shouldUseColor(environment, isTerminal)).toBe(expected);
});
