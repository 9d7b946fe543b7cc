import { describe, expect, it } from '@jest/globals';
import * as z from 'zod';
import { StepError } from '../../../handlers/shared/errors.ts';
import { count } from '../../../handlers/shared/metrics.ts';
import { step } from '../../../handlers/shared/step.ts';
import { measuredIn, watchLogLines } from '../../support/log-lines.ts';
import { PROVISIONING_ID, TRACE_ID } from '../../support/subject.ts';

const lines = watchLogLines();
const schema = z.object({ provisioning_id: z.string() });
const stepContext = {
  provisioning_id: PROVISIONING_ID,
  trace_id: TRACE_ID,
  machine: 'CreateServiceUser',
  execution: PROVISIONING_ID,
  state: 'CreateUser',
  attempt: 1,
};
const input = { provisioning_id: PROVISIONING_ID, step: stepContext };
const invocation = { awsRequestId: 'invocation-1' };
const about = {
  provisioning_id: PROVISIONING_ID,
  trace_id: TRACE_ID,
  machine: 'CreateServiceUser',
  execution: PROVISIONING_ID,
  step: 'CreateUser',
  attempt: 1,
  function_request_id: 'invocation-1',
};
const failing = (error: unknown) =>
  step(schema, async () => {
    throw error;
  });
describe("a step's lines in the log", () => {
  it('contain step, execution, provisioning and duration', async () => {
    await step(schema, async () => ({}))(input, invocation);

    expect(lines()).toEqual([
      expect.objectContaining({
        ...about,
        level: 'INFO',
        message: 'Step succeeded',
        service: 'unit-test',
        duration_ms: expect.any(Number),
        StepDuration: expect.any(Number),
      }),
    ]);
    expect(measuredIn(lines()[0])).toEqual(['StepDuration']);
  });

  it('contain the error, a StepError as a warning and another one as an error', async () => {
    await expect(failing(new StepError('UserNotFound', 'gone'))(input, invocation)).rejects.toThrow('gone');
    await expect(failing(new TypeError('a bug'))(input, invocation)).rejects.toThrow('TypeError');

    expect(lines()).toEqual([
      expect.objectContaining({ ...about, level: 'WARN', error: 'UserNotFound', StepFailures: 1 }),
      expect.objectContaining({ ...about, level: 'ERROR', error: 'TypeError', StepFailures: 1 }),
    ]);
    expect(measuredIn(lines()[0])).toEqual(['StepDuration', 'StepFailures']);
  });

  it('count a later attempt as a retry', async () => {
    await step(schema, async () => ({}))({ ...input, step: { ...stepContext, attempt: 3 } });

    expect(lines()).toEqual([expect.objectContaining({ attempt: 3, StepRetries: 1 })]);
  });

  it('contain the counts of the step', async () => {
    await step(schema, async () => count('targetTokenHits'))(input);

    expect(lines()).toEqual([expect.objectContaining({ TargetTokenHits: 1 })]);
  });

  it('contain the provisioning_id without a step context', async () => {
    await step(schema, async () => ({}))({ provisioning_id: PROVISIONING_ID });

    const [line] = lines();

    expect(line).toMatchObject({ provisioning_id: PROVISIONING_ID, duration_ms: expect.any(Number) });
    expect(line).not.toHaveProperty('_aws');
  });

  it('do not contain the context of the previous step', async () => {
    await step(schema, async () => ({}))(input);
    await step(schema, async () => ({}))({ provisioning_id: 'another' });

    expect(lines()[1]).toMatchObject({ provisioning_id: 'another' });
    expect(lines()[1]).not.toHaveProperty('step');
    expect(lines()[1]).not.toHaveProperty('trace_id');
  });
});
