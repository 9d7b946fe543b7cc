import { CliError } from '../../cli/cli-error.ts';
import type { Check } from '../check.ts';
import { type DeployedSystem, newPassword } from '../system.ts';
import { assert } from '../verdict.ts';

/** Passwords that a pool rejects or may reject: such a failure is an error of the caller, not of the system. */

/** Tries a password: App1 rejects the request, the target rejects it and leaves no user, or it is accepted and signs in. */
async function tryPassword(
  system: DeployedSystem,
  password: string,
): Promise<'refused' | 'rejected' | 'accepted'> {
  try {
    const { user, provisioning } = await system.provision({ password });
    const { status, error, user: presence, provisioning_id: id } = provisioning;
    if (status === 'SUCCEEDED') {
      await system.signIn(user);
      return 'accepted';
    }
    system.expectedEvents.set(id, [
      'ServiceUserProvisioningRequested',
      'ServiceUserCreationRejected',
      'ServiceUserProvisioningFailed',
    ]);
    assert(
      error?.code === 'PASSWORD_REJECTED',
      `it finished as ${status} ${error?.code ?? ''} in ${error?.step}`,
    );
    assert(presence === 'absent', `a user may be left behind: ${presence}`);
    return 'rejected';
  } catch (error) {
    if (error instanceof CliError && error.code === 'INVALID_REQUEST') return 'refused';
    throw error;
  }
}

const RESULT_TEXTS = {
  refused: 'App1 rejected it (INVALID_REQUEST)',
  rejected: 'the target rejected it (PASSWORD_REJECTED), and no user is left',
  accepted: 'it was accepted, and signs in',
} as const;

export const passwordChecks: readonly Check[] = [
  {
    name: 'passwords/weak',
    claim: 'A password that breaks the policy is rejected as an error of the caller.',
    async run(system) {
      const result = await tryPassword(system, 'short');
      assert(result !== 'accepted', RESULT_TEXTS[result]);
      return RESULT_TEXTS[result];
    },
  },
  {
    name: 'passwords/inner-space',
    claim: 'A password with a space inside is accepted, or rejected as an error of the caller.',
    run: async (system) => RESULT_TEXTS[await tryPassword(system, newPassword().replace('-', ' '))],
  },
  {
    name: 'passwords/line-end',
    claim: 'App1 rejects a password with a line end.',
    async run(system) {
      for (const end of ['\n', '\r\n', '\u2028']) {
        const result = await tryPassword(system, `${newPassword()}${end}x`);
        assert(result === 'refused', `with ${JSON.stringify(end)} inside, ${RESULT_TEXTS[result]}`);
      }
      return RESULT_TEXTS.refused;
    },
  },
];
