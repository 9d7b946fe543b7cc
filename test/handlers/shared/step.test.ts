import { describe, expect, it } from '@jest/globals';
import * as z from 'zod';
import { StepError } from '../../../handlers/shared/errors.ts';
import { step } from '../../../handlers/shared/step.ts';
import { expectNoLeak, watchLog } from '../../support/leaks.ts';
import { PASSWORD, PROVISIONING_ID } from '../../support/subject.ts';
import { thrownBy } from '../../support/thrown.ts';

const log = watchLog();
const schema = z.strictObject({
  provisioning_id: z.string(),
  nested: z.object({ password: z.string().max(3) }),
});
const input = { provisioning_id: PROVISIONING_ID, nested: { password: 'abc' } };

describe('step', () => {
  it('passes the parsed input to the function and returns its output', async () => {
    await expect(
      step(schema, async ({ nested }) => ({ length: nested.password.length }))(input),
    ).resolves.toEqual({
      length: 3,
    });
  });

  it('lists the invalid fields of an input, without their values', async () => {
    const run = step(schema, async () => ({}));

    const error = await thrownBy(run({ ...input, nested: { password: PASSWORD } }));

    expect(error.name).toBe('InvalidStepInput');
    expect(error.message).toContain('nested.password');
    expectNoLeak(PASSWORD, error, log());
    await expect(run('text')).rejects.toMatchObject({ name: 'InvalidStepInput', message: /\(input\)/ });
  });

  it('throws a StepError unchanged, and logs it', async () => {
    const error = new StepError('UserNotFound', 'gone');

    await expect(
      step(schema, async () => {
        throw error;
      })(input),
    ).rejects.toBe(error);
    expect(log()).toContain('UserNotFound');
  });

  it('throws only the name of any other error', async () => {
    const run = step(schema, async () => JSON.parse(`{"password":"${PASSWORD}`));

    const error = await thrownBy(run(input));

    expect(error.name).toBe('SyntaxError');
    expectNoLeak(PASSWORD, error, log());
  });
});
