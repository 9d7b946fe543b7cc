import { expect, it } from '@jest/globals';
import * as z from 'zod';
import { jsonText } from '../../contracts/json-text.ts';

it('parses a JSON text for the schema that follows', () => {
  const parsed = jsonText.pipe(z.array(z.int())).parse('[1,2]');

  expect(parsed).toEqual([1, 2]);
});

it('refuses a text that is not JSON, and does not repeat it', () => {
  const { error } = jsonText.safeParse('secret-value');

  expect(error?.issues).toEqual([expect.objectContaining({ message: 'must be JSON' })]);
  expect(JSON.stringify(error)).not.toContain('secret-value');
});
