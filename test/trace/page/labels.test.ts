import { expect, it } from '@jest/globals';
import type { Detail } from '../../../trace/model.ts';
import { waitText } from '../../../trace/page/labels.ts';
import { createReader } from '../../../trace/reader.ts';
import { services } from '../support/fake-aws.ts';
import { ids, NOW, scene } from '../support/scene.ts';

const options = { environment: 'a test', services, callsPerSecond: Number.POSITIVE_INFINITY };

async function detailOf(id: string): Promise<Detail> {
  const detail = await createReader(scene(), options, () => NOW).detail(id);
  if (detail === undefined) throw new Error(`${id} does not exist.`);
  return detail;
}

it('waitText names the step that waits, since when, and the error', async () => {
  const { executions, now } = await detailOf(ids.frida);

  expect(waitText(executions, now)).toMatch(
    /^RequestUserCreation, since \d\d:59:52: UserCreationPending; SetPassword, since \d\d:59:53: ServiceThrottled$/,
  );
});

it('waitText is undefined for a finished provisioning', async () => {
  const { executions, now } = await detailOf(ids.carol);

  expect(waitText(executions, now)).toBeUndefined();
});
