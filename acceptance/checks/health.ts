import { listChecks } from '../../cli/doctor/checks.ts';
import { runCheck } from '../../cli/doctor/finding.ts';
import type { Check } from '../check.ts';
import type { DeployedSystem } from '../system.ts';
import { assert } from '../verdict.ts';

/** What can be seen without doing anything. */

/** Each of the services is looked at in its own account. Alarms are another check's, after everything was done. */
async function findings({ app1, app2, asking: { propose }, clock }: DeployedSystem) {
  const seenBy = async (connection: typeof app1.connection, services: readonly string[]) => {
    const all = await listChecks({ connection, clock, propose });
    return all.filter(({ service, check }) => services.includes(service) && check !== 'alarms');
  };
  const here = { ...app1.connection, app1: async () => app1.outputs };
  const there = { ...app2.connection, app2: async () => app2.outputs };
  const checks =
    app1.connection === app2.connection
      ? await seenBy({ ...here, app2: there.app2 }, ['app1', 'app2', 'both'])
      : [...(await seenBy(here, ['app1'])), ...(await seenBy(there, ['app2']))];
  return Promise.all(
    checks.map(async (check) => ({ ...(await runCheck(check)), what: `${check.service} ${check.check}` })),
  );
}

export const healthChecks: readonly Check[] = [
  {
    name: 'health/doctor',
    claim:
      '`provision doctor` finds both services complete: stacks, machines, buses, rules, keys, queues, logs.',
    async run(system) {
      const found = await findings(system);
      const bad = found.filter(({ verdict }) => verdict === 'failed' || verdict === 'unchecked');
      assert(bad.length === 0, bad.map(({ what, found }) => `${what}: ${found}`).join('; '));
      return `${found.length} findings, none of them wrong`;
    },
  },
];
