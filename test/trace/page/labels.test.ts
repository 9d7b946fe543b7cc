import { expect, it } from '@jest/globals';
import type { Detail } from '../../../trace/model.ts';
import { waitText } from '../../../trace/page/labels.ts';
import { readerOf } from '../../../trace/reader.ts';
import { services } from '../support/fake-aws.ts';
import { ids, NOW, scene } from '../support/scene.ts';

const where = { where: 'a test', services, lookUpsPerSecond: Number.POSITIVE_INFINITY };

async function detailOf(id: string): Promise<Detail> {
  const detail = await readerOf(scene(), where, () => NOW).detail(id);
  if (detail === undefined) throw new Error(`${id} is not there.`);
  return detail;
}

it('says in which step a provisioning waits, since when, and why', async () => {
  const { executions, now } = await detailOf(ids.frida);

  expect(waitText(executions, now)).toMatch(
    /^RequestUserCreation, since \d\d:59:52: UserCreationPending; SetPassword, since \d\d:59:53: ServiceThrottled$/,
  );
});

it('says nothing of one that has ended', async () => {
  const { executions, now } = await detailOf(ids.carol);

  expect(waitText(executions, now)).toBeUndefined();
});
