import { describe, expect, it, jest } from '@jest/globals';
import type { CreationLimiter } from '../../../handlers/app2/lib/creation-limiter.ts';
import { stopUserCreation } from '../../../handlers/app2/stop-user-creation.ts';
import type { StoppedExecution } from '../../../handlers/shared/stop-execution.ts';
import { CREATION_ID, GENERATION, stood } from '../../support/subject.ts';

const limiter = { release: jest.fn<CreationLimiter['release']>() };
const stopped = (had_succeeded: boolean): StoppedExecution => ({
  had_succeeded,
  creation_in_flight: false,
  has_record: true,
  failure: { step: 'Execution', error: 'Cancelled' },
});
const run = (stop: () => Promise<StoppedExecution>) =>
  stopUserCreation({ stop, limiter })({ ...GENERATION, ...stood, entered_at: '2026-01-01T00:00:00.000Z' });

describe('StopUserCreation', () => {
  it('releases the start of a stopped creation', async () => {
    await expect(run(async () => stopped(false))).resolves.toEqual(stopped(false));
    expect(limiter.release.mock.calls).toEqual([[CREATION_ID]]);
  });

  it('releases nothing for a creation that succeeded or could not be stopped', async () => {
    limiter.release.mockClear();
    await run(async () => stopped(true));

    await expect(run(() => Promise.reject(new Error('not yet')))).rejects.toThrow('not yet');

    expect(limiter.release).not.toHaveBeenCalled();
  });
});
