import { listChecks } from '../../cli/doctor/checks.ts';
import { runCheck } from '../../cli/doctor/finding.ts';
import { APP1 } from '../../contracts/services.ts';
import type { Check } from '../check.ts';
import type { DeployedSystem } from '../system.ts';
import { assert } from '../verdict.ts';

/** Read-only checks. */

/** The findings of doctor for each service in its own account. Alarms are verified by another check at the end. */
async function findings({ app1, app2, apiContext: { propose }, clock }: DeployedSystem) {
  const checksIn = async (connection: typeof app1.connection, services: readonly string[]) => {
    const all = await listChecks({ connection, clock, propose });
    return all.filter(({ service, check }) => services.includes(service) && check !== 'alarms');
  };
  const app1Access = { ...app1.connection, app1: async () => app1.outputs };
  const { name } = app2;
  const targetAccess = {
    ...app2.connection,
    targets: async () => [name],
    target: async () => app2.outputs,
  };
  const checks =
    app1.connection === app2.connection
      ? await checksIn({ ...targetAccess, app1: app1Access.app1 }, [APP1, name])
      : [...(await checksIn(app1Access, [APP1])), ...(await checksIn(targetAccess, [name]))];
  return Promise.all(
    checks.map(async (check) => ({ ...(await runCheck(check)), what: `${check.service} ${check.check}` })),
  );
}

export const healthChecks: readonly Check[] = [
  {
    name: 'health/doctor',
    claim:
      '`provision doctor` finds both services complete: stacks, state machines, buses, rules, keys, queues, logs.',
    async run(system) {
      const found = await findings(system);
      const bad = found.filter(({ verdict }) => verdict === 'failed' || verdict === 'unchecked');
      assert(bad.length === 0, bad.map(({ what, found }) => `${what}: ${found}`).join('; '));
      return `${found.length} findings, none of them failed`;
    },
  },
];
