import { describe, expect, it } from '@jest/globals';
import { addLogContext, logger, withLogContext } from '../../../handlers/shared/logger.ts';
import { watchLogLines } from '../../support/log-lines.ts';
import { OTHER_PROVISIONING_ID, PROVISIONING_ID, TRACE_ID } from '../../support/subject.ts';

const lines = watchLogLines();
const ids = () =>
  lines().map(({ provisioning_id, trace_id, execution }) => [provisioning_id, trace_id, execution]);

describe('the context of log lines', () => {
  it('is in every line of withLogContext, and in no line after it', async () => {
    await withLogContext({ provisioning_id: PROVISIONING_ID, trace_id: TRACE_ID }, async () => {
      logger.info('one');
      logger.error('two');
    });
    logger.info('of the next invocation');

    expect(ids()).toEqual([
      [PROVISIONING_ID, TRACE_ID, undefined],
      [PROVISIONING_ID, TRACE_ID, undefined],
      [undefined, undefined, undefined],
    ]);
  });

  it('can be extended, and is removed afterwards', async () => {
    await withLogContext({ trace_id: TRACE_ID }, async () => {
      addLogContext({ provisioning_id: PROVISIONING_ID });
      logger.info('one');
    });
    await withLogContext({ trace_id: TRACE_ID }, async () => logger.info('two'));

    expect(ids()).toEqual([
      [PROVISIONING_ID, TRACE_ID, undefined],
      [undefined, TRACE_ID, undefined],
    ]);
  });

  it('can be replaced for each execution of a sweep', async () => {
    await withLogContext({ trace_id: TRACE_ID }, async () => {
      for (const provisioning_id of [PROVISIONING_ID, OTHER_PROVISIONING_ID])
        await withLogContext({ provisioning_id, execution: `${provisioning_id}.2` }, async () => {
          logger.warn('finding');
        });
      logger.info('end');
    });

    expect(ids()).toEqual([
      [PROVISIONING_ID, TRACE_ID, `${PROVISIONING_ID}.2`],
      [OTHER_PROVISIONING_ID, TRACE_ID, `${OTHER_PROVISIONING_ID}.2`],
      [undefined, TRACE_ID, undefined],
    ]);
  });

  it('is removed after an error, too', async () => {
    const failure = new Error('thrown');

    await expect(
      withLogContext({ provisioning_id: PROVISIONING_ID }, () => Promise.reject(failure)),
    ).rejects.toBe(failure);

    logger.info('of the next invocation');

    expect(ids()).toEqual([[undefined, undefined, undefined]]);
  });
});
