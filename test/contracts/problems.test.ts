import { describe, expect, it } from '@jest/globals';
import { MAX_BODY_BYTES, problems } from '../../contracts/problems.ts';

describe('problems', () => {
  it('have one HTTP status each', () => {
    expect(Object.fromEntries(Object.entries(problems).map(([code, { status }]) => [code, status]))).toEqual({
      INVALID_REQUEST: 400,
      UNAUTHENTICATED: 401,
      FORBIDDEN: 403,
      NOT_FOUND: 404,
      IDEMPOTENCY_CONFLICT: 409,
      USER_OF_EARLIER_PROVISIONING: 409,
      PROVISIONING_IN_PROGRESS: 409,
      NOT_RETRYABLE: 409,
      PAYLOAD_TOO_LARGE: 413,
      UNSUPPORTED_MEDIA_TYPE: 415,
      THROTTLED: 429,
      INTERNAL_ERROR: 500,
      LEGACY_UNAVAILABLE: 502,
      LEGACY_TIMEOUT: 504,
      QUEUE_FULL: 503,
      SERVICE_UNAVAILABLE: 503,
    });
  });

  it('contain the size limit that the functions enforce', () => {
    expect(problems.PAYLOAD_TOO_LARGE.detail).toContain(`${MAX_BODY_BYTES} bytes`);
  });
});
