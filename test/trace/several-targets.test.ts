import { describe, expect, it } from '@jest/globals';
import { detail, type Summary } from '../../trace/model.ts';
import { createReader } from '../../trace/reader.ts';
import { SEVERAL_NOW, severalIds, severalServices, severalTargets } from './support/several-targets.ts';

const options = {
  environment: 'a test',
  services: severalServices,
  callsPerSecond: Number.POSITIVE_INFINITY,
};
const read = () => createReader(severalTargets(), options, () => SEVERAL_NOW);

async function summaryOf(who: keyof typeof severalIds): Promise<Summary> {
  const found = (await read().list(1)).provisionings.find(({ username }) => username === who);
  if (found === undefined) throw new Error(`${who} is not in the list.`);
  return found;
}

async function detailOf(who: keyof typeof severalIds) {
  const found = await read().detail(severalIds[who]);
  if (found === undefined) throw new Error(`${who} does not exist.`);
  return found;
}

describe('the summary of a provisioning with several targets', () => {
  it('has the user at each target while it runs, and no user in general', async () => {
    const gina = await summaryOf('gina');

    expect(gina.user).toBe('unknown');
    expect(gina.targets).toEqual([
      { target: 'app2', user: 'present' },
      { target: 'payments', user: 'unknown' },
      { target: 'orders', user: 'unknown' },
    ]);
  });

  it('names the target of the failure, and leaves nothing behind after the compensation', async () => {
    const hugo = await summaryOf('hugo');

    expect(hugo.failures.map(({ service, target, step }) => [service, target, step])).toEqual([
      ['app1', 'payments', 'RequestUserCreation'],
      ['payments', undefined, 'AddToGroup'],
    ]);
    expect(hugo).toMatchObject({ user: 'absent', left_behind: 'nothing' });
    expect(hugo.targets?.map(({ user }) => user)).toEqual(['absent', 'absent', 'absent']);
  });

  it('has the target at which the roll-back has failed', async () => {
    const iris = await summaryOf('iris');

    expect(iris).toMatchObject({ user: 'being_removed', left_behind: 'user' });
    expect(iris.targets).toEqual([
      { target: 'app2', user: 'absent' },
      { target: 'payments', user: 'absent' },
      { target: 'orders', user: 'present' },
    ]);
  });

  it('has the presence according to App1 at targets of other accounts', async () => {
    const app1Only = { ...options, services: severalServices.slice(0, 1) };

    const { provisionings } = await createReader(severalTargets(), app1Only, () => SEVERAL_NOW).list(1);

    const iris = provisionings.find(({ username }) => username === 'iris');
    expect(iris?.targets?.map(({ user }) => user)).toEqual(['absent', 'absent', 'being_removed']);
  });
});

describe('the detail of a provisioning with several targets', () => {
  it('is in the schema of the page', async () => {
    const found = JSON.parse(JSON.stringify(await detailOf('hugo')));

    expect(detail.parse(found)).toEqual(found);
  });

  it('has the target and the iteration of each step in a Map', async () => {
    const { executions } = await detailOf('hugo');
    const steps = executions[0]?.steps ?? [];

    expect(steps.filter(({ name }) => name === 'CancelUserCreation')).toEqual(
      [1, 0, 2].map((index) =>
        expect.objectContaining({
          target: ['app2', 'payments', 'orders'][index],
          iteration: { map: 'CompensateTargets', index },
          compensation: true,
        }),
      ),
    );
    expect(steps.find(({ name }) => name === 'PublishRequested')).not.toHaveProperty('target');
  });

  it('has the statuses of the iterations that were stopped', async () => {
    const { executions } = await detailOf('hugo');
    const requests = executions[0]?.steps.filter(({ name }) => name === 'RequestUserCreation') ?? [];

    expect(requests.map(({ target, status }) => [target, status])).toEqual([
      ['app2', 'succeeded'],
      ['payments', 'caught'],
      ['orders', 'stopped'],
    ]);
  });

  it('has one id for each execution', async () => {
    const { executions } = await detailOf('hugo');
    const executionIds = executions.map(({ id }) => id);

    expect(executionIds).toHaveLength(6);
    expect(new Set(executionIds).size).toBe(6);
  });
});
