import { CliError } from '../../cli/cli-error.ts';
import type { Check } from '../check.ts';
import { type DeployedSystem, newPassword } from '../system.ts';
import { assert } from '../verdict.ts';

/** Passwords that a pool refuses, or that are not sure to be taken: the matter of who sends them, of nobody else. */

/** Whether a password is refused by App1, refused by App2 without a trace, or taken, and then signs in. */
async function fateOf(system: DeployedSystem, password: string): Promise<'refused' | 'rejected' | 'taken'> {
  try {
    const { user, provisioning } = await system.provision({ password });
    const { status, error, user: presence, provisioning_id: id } = provisioning;
    if (status === 'SUCCEEDED') {
      await system.signIn(user);
      return 'taken';
    }
    system.expectedEvents.set(id, [
      'ServiceUserProvisioningRequested',
      'ServiceUserCreationRejected',
      'ServiceUserProvisioningFailed',
    ]);
    assert(
      error?.code === 'PASSWORD_REJECTED',
      `it ended as ${status} ${error?.code ?? ''} in ${error?.step}`,
    );
    assert(presence === 'absent', `a user may be left: ${presence}`);
    return 'rejected';
  } catch (error) {
    if (error instanceof CliError && error.code === 'INVALID_REQUEST') return 'refused';
    throw error;
  }
}

const inWords = {
  refused: 'App1 refused it (INVALID_REQUEST)',
  rejected: 'App2 refused it (PASSWORD_REJECTED), and nothing is left',
  taken: 'it was taken, and signs in',
} as const;

export const passwordChecks: readonly Check[] = [
  {
    name: 'passwords/weak',
    claim: 'A password that breaks the policy is refused as a mistake of the caller.',
    async run(system) {
      const fate = await fateOf(system, 'short');
      assert(fate !== 'taken', inWords[fate]);
      return inWords[fate];
    },
  },
  {
    name: 'passwords/inner-space',
    claim: 'A password with a space inside is taken, or refused as a mistake of the caller.',
    run: async (system) => inWords[await fateOf(system, newPassword().replace('-', ' '))],
  },
  {
    name: 'passwords/line-end',
    claim: 'A password with a line end is refused by App1.',
    async run(system) {
      for (const end of ['\n', '\r\n', '\u2028']) {
        const fate = await fateOf(system, `${newPassword()}${end}x`);
        assert(fate === 'refused', `with ${JSON.stringify(end)} inside, ${inWords[fate]}`);
      }
      return inWords.refused;
    },
  },
];
