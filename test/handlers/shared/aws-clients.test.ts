import { SFNClient } from '@aws-sdk/client-sfn';
import { describe, expect, it } from '@jest/globals';
import { apiClient, stepClient } from '../../../handlers/shared/aws-clients.ts';

describe('AWS clients', () => {
  it.each([
    ['a step tries once: its workflow retries', stepClient, 1],
    ['a function behind an API tries twice: nobody else does', apiClient, 2],
  ])('%s', async (_why, make, attempts) => {
    await expect(make(SFNClient).config.maxAttempts()).resolves.toBe(attempts);
  });
});
