import { describe, expect, it } from '@jest/globals';
import { CliError } from '../../cli/cli-error.ts';
import { findServices } from '../../cli/services.ts';
import { APP1, targetOutputs } from '../support/outputs.ts';

const absent = () =>
  Promise.reject(new CliError('unreachable', 'NOT_DEPLOYED', 'It is not deployed here.', 'Deploy it.'));

describe('the services of a system', () => {
  it('are App1, the targets of its registry that are not gone, and further targets in the account', async () => {
    const app1 = {
      ...APP1,
      targets: [
        { name: 'app2', state: 'active' as const },
        { name: 'orders', state: 'retired' as const },
        { name: 'old', state: 'gone' as const },
      ],
    };

    const services = await findServices({
      app1: async () => app1,
      targets: async () => ['app2', 'payments'],
      target: async (name) => (name === 'orders' ? absent() : targetOutputs(name)),
    });

    expect(services.app1).toMatchObject({ name: 'app1', outputs: { value: app1 } });
    expect(services.targets.map(({ name, outputs }) => [name, outputs.isAvailable])).toEqual([
      ['app2', true],
      ['orders', false],
      ['payments', true],
    ]);
  });

  it('are the targets in the account when App1 is in another one', async () => {
    const services = await findServices({
      app1: absent,
      targets: async () => ['payments'],
      target: async (name) => targetOutputs(name),
    });

    expect(services.app1.outputs.isAvailable).toBe(false);
    expect(services.targets.map(({ name }) => name)).toEqual(['payments']);
  });
});
