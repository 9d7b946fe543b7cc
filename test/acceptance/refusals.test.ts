import { describe, expect, it } from '@jest/globals';
import { missingApiKey } from '../../acceptance/checks/refusals.ts';
import type { ApiResponse } from '../../acceptance/system.ts';
import { problemBody } from '../../contracts/problems.ts';

/** The check that does not apply in the end-to-end tests, because their callers have no API keys. */

const problemAs = (code: 'NOT_FOUND' | 'FORBIDDEN'): ApiResponse => {
  const body = problemBody(code);
  const headers = new Headers({ 'content-type': 'application/problem+json', 'cache-control': 'no-store' });
  return { status: body.status, headers, text: JSON.stringify(body) };
};
const system = (over: Partial<Parameters<typeof missingApiKey.run>[0]> = {}) => ({
  hasApiKey: true,
  callApp1: async () => problemAs('NOT_FOUND'),
  callApp1WithoutKey: async () => problemAs('FORBIDDEN'),
  ...over,
});

describe('refusals/missing-api-key', () => {
  it('passes when only the request with the key is accepted', async () => {
    expect(await missingApiKey.run(system())).toBe('403 FORBIDDEN');
  });

  it('is not applicable without a key', async () => {
    await expect(missingApiKey.run(system({ hasApiKey: false }))).rejects.toMatchObject({
      name: 'NotApplicable',
    });
  });

  it('fails when the request without the key is accepted', async () => {
    const open = system({ callApp1WithoutKey: async () => problemAs('NOT_FOUND') });

    await expect(missingApiKey.run(open)).rejects.toThrow('404 NOT_FOUND instead of 403 FORBIDDEN');
  });

  it('fails when the request with the key is rejected', async () => {
    const closed = system({ callApp1: async () => problemAs('FORBIDDEN') });

    await expect(missingApiKey.run(closed)).rejects.toMatchObject({ name: 'CheckFailed' });
  });
});
