import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { targetsOutput } from '../../cli/json-output.ts';
import { formatPolicy } from '../../contracts/targets.ts';
import { APP1, targetLine } from '../support/outputs.ts';
import { POLICY } from '../support/password-policy.ts';
import { fakeRuntime } from './support/runtime.ts';

afterEach(() => {
  jest.restoreAllMocks();
});

const REGISTRY = [
  { name: 'app2', state: 'active' as const, target: targetLine('app2') },
  {
    name: 'payments',
    state: 'retired' as const,
    target: targetLine('payments', {
      password_policy: formatPolicy({ ...POLICY, minimum_length: 20, require_symbols: false }),
      creations_per_second: '5',
    }),
  },
  { name: 'old', state: 'gone' as const },
];

/** The command line with an App1 that has this registry, and the responses of the targets by the name in their host. */
function cliWith(responses: Record<string, number | Error>) {
  const called: string[] = [];
  jest.spyOn(globalThis, 'fetch').mockImplementation(async (address) => {
    called.push(String(address));
    const { hostname } = new URL(String(address));
    const response = responses[hostname.split('id.')[0] ?? ''] ?? 500;
    if (response instanceof Error) throw response;
    return new Response('{}', { status: response });
  });
  const cli = fakeRuntime({ connection: { app1: async () => ({ ...APP1, targets: REGISTRY }) } });
  return { cli, called };
}

describe('provision targets', () => {
  it('lists the registry with the state, the policy and the rate of each target', async () => {
    const { cli, called } = cliWith({ app2: 401, payments: 401 });

    expect(await cli.run('targets')).toBe(0);

    const cells = cli.output.out
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ {2,}/));

    expect(cells).toEqual([
      ['target', 'state', 'reachable', 'password', 'creations per second'],
      ['app2', 'active', 'yes', 'at least 12, lowercase, uppercase, numbers, symbols', '23.5'],
      ['payments', 'retired', 'yes', 'at least 20, lowercase, uppercase, numbers', '5'],
      ['old', 'gone', '-', '-', '-'],
    ]);
    expect(called.map((address) => address.replace(/[^/]+$/, ''))).toEqual([
      'https://app2id.execute-api.eu-central-1.amazonaws.com/v1/admin/create-user/',
      'https://paymentsid.execute-api.eu-central-1.amazonaws.com/v1/admin/create-user/',
    ]);
  });

  it.each([
    ['responds with an error', 503, 'HTTP 503 for a request without a token, instead of 401'],
    [
      'does not respond',
      Object.assign(new TypeError('fetch failed'), {
        cause: Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }),
      }),
      'There is no connection (ECONNREFUSED).',
    ],
  ])('exits with 1 when a target %s, and prints the reason', async (_what, response, reason) => {
    const { cli } = cliWith({ app2: 401, payments: response });

    expect(await cli.run('targets')).toBe(1);

    expect(cli.output.out).toMatch(/app2 +active +yes/);
    expect(cli.output.out).toContain(`payments  retired  no: ${reason}`);
  });

  it('prints JSON with --json', async () => {
    const { cli } = cliWith({ app2: 401, payments: 500 });

    expect(await cli.run('targets', '--json')).toBe(1);

    expect(targetsOutput.parse(cli.jsonOutput()).targets).toMatchObject([
      { name: 'app2', state: 'active', reachable: true, password_policy: POLICY, creations_per_second: 23.5 },
      { name: 'payments', state: 'retired', reachable: false, reason: expect.stringContaining('HTTP 500') },
      { name: 'old', state: 'gone' },
    ]);
  });
});
