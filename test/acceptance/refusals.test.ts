import { describe, expect, it } from '@jest/globals';
import { missingApiKey } from '../../acceptance/checks/refusals.ts';
import type { Answer } from '../../acceptance/system.ts';
import { problemBody } from '../../contracts/problems.ts';

/** The check that the deployments of the end-to-end tests cannot decide, since their callers have no API keys. */

const problemAs = (code: 'NOT_FOUND' | 'FORBIDDEN'): Answer => {
  const body = problemBody(code);
  const headers = new Headers({ 'content-type': 'application/problem+json', 'cache-control': 'no-store' });
  return { status: body.status, headers, text: JSON.stringify(body) };
};
const system = (over: Partial<Parameters<typeof missingApiKey.run>[0]> = {}) => ({
  hasApiKey: true,
  askApp1: async () => problemAs('NOT_FOUND'),
  askApp1WithoutKey: async () => problemAs('FORBIDDEN'),
  ...over,
});

describe('refusals/missing-api-key', () => {
  it('passes when the key makes the difference', async () => {
    expect(await missingApiKey.run(system())).toBe('403 FORBIDDEN');
  });

  it('is not decided without a key', async () => {
    await expect(missingApiKey.run(system({ hasApiKey: false }))).rejects.toMatchObject({
      name: 'NotApplicable',
    });
  });

  it('fails when the request is let in without the key', async () => {
    const open = system({ askApp1WithoutKey: async () => problemAs('NOT_FOUND') });

    await expect(missingApiKey.run(open)).rejects.toThrow('404 NOT_FOUND instead of 403 FORBIDDEN');
  });

  it('fails when the key does not let the request in', async () => {
    const closed = system({ askApp1: async () => problemAs('FORBIDDEN') });

    await expect(missingApiKey.run(closed)).rejects.toMatchObject({ name: 'CheckFailed' });
  });
});
