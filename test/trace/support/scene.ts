import { rollBackName } from '../../../handlers/shared/roll-back-names.ts';
import { type History, history } from '../../support/history.ts';
import { FakeAws } from './fake-aws.ts';
import type { MachineName } from './machines.ts';

/** Provisionings of every kind, at a fixed time. */

export const NOW = new Date('2026-01-02T10:00:00Z');
const at = (time: string) => new Date(`2026-01-02T${time}Z`);

export const ids = {
  frida: '6f1d2a54-0c0e-4f7e-9d55-000000000001',
  anna: '6f1d2a54-0c0e-4f7e-9d55-000000000002',
  carol: '6f1d2a54-0c0e-4f7e-9d55-000000000003',
  bob: '6f1d2a54-0c0e-4f7e-9d55-000000000004',
  dave: '6f1d2a54-0c0e-4f7e-9d55-000000000005',
  erin: '6f1d2a54-0c0e-4f7e-9d55-000000000006',
} as const;
type Username = keyof typeof ids;

/** The generation of every provisioning. */
const CREATION_ID = '6f0b7c52-3c1e-4d0a-8a55-0f6f3f2c9b11';
/** The name of a roll-back. */
export const rollBackOf = (who: Username, attempt = 1): string =>
  rollBackName({ provisioning_id: ids[who], creation_id: CREATION_ID }, attempt);

const CIPHERTEXT = 'QUJD'.repeat(90);

const inputOf = (who: Username) => ({
  provisioning_id: ids[who],
  creation_id: CREATION_ID,
  username: who,
  human_user_id: 'h-1001',
  owner: '111111111111:AROAEXAMPLE',
});
const withIntakeCiphertext = (who: Username) => ({
  ...inputOf(who),
  targets: ['app2'],
  intake_ciphertext: CIPHERTEXT,
});
const encrypted = (who: Username) => ({ ...inputOf(who), encrypted_password: CIPHERTEXT });

const app1 = (who: Username, time: string) =>
  history(at(time))
    .begin(withIntakeCiphertext(who))
    .task('PublishRequested', 40)
    .map('ProvisionTargets', 1)
    .iteration(0)
    .task('Authenticate', 200)
    .task('EncryptCredentials', 130, { encrypted_password: CIPHERTEXT });

/** The end of an iteration after RequestUserCreation has failed. */
const targetFailed = (run: History): History =>
  run.exit('RequestUserCreation').enter('TargetFailed', {}, 'FailStateEntered').failMap();

const passed = (run: History, choice: string): History =>
  run.enter(choice, {}, 'ChoiceStateEntered').exit(choice);

/** The compensation at one target, with the time of CancelUserCreation in milliseconds. */
const compensated = (run: History, milliseconds: number): History =>
  passed(
    passed(run.map('CompensateTargets', 1).iteration(0), 'ChooseCompensation')
      .task('CancelUserCreation', milliseconds)
      .exitMap(),
    'ChooseOutcome',
  );

const app2 = (who: Username, time: string) =>
  history(at(time)).begin(encrypted(who)).task('DecryptCredentials', 90);

/** `definitions` replace the default ones; with `fixed`, carol's creation succeeds. */
export function scene(
  definitions: Partial<Record<MachineName, string>> = {},
  { fixed = false } = {},
): FakeAws {
  const aws = new FakeAws(definitions);
  const denied = 'AccessDeniedException (HTTP 403)';

  // Still running: App2's password step was throttled and waits for its next attempt.
  aws.put(
    'ProvisionServiceUser',
    ids.frida,
    withIntakeCiphertext('frida'),
    app1('frida', '09:59:52')
      .enter('RequestUserCreation')
      .failed(4_000, 'UserCreationPending', 'App2 has not finished.')
      .after(600)
      .schedule(),
  );
  aws.put(
    'CreateServiceUser',
    ids.frida,
    encrypted('frida'),
    app2('frida', '09:59:52.900')
      .task('CreateUser', 210, { sub: 'a1' }, { user_sub: 'a1' })
      .enter('SetPassword')
      .failed(120, 'ServiceThrottled', 'Too many requests')
      .after(1_400)
      .failed(120, 'ServiceThrottled', 'Too many requests')
      .after(2_000),
  );

  // Succeeded.
  aws.put(
    'ProvisionServiceUser',
    ids.anna,
    withIntakeCiphertext('anna'),
    app1('anna', '09:55:10')
      .task('RequestUserCreation', 1_300)
      .exitMap()
      .task('PublishProvisioned', 60)
      .succeed('Provisioned'),
  );
  aws.put(
    'CreateServiceUser',
    ids.anna,
    encrypted('anna'),
    app2('anna', '09:55:10.500')
      .task('CreateUser', 210, { sub: 'a2' }, { user_sub: 'a2' })
      .task('SetPassword', 150)
      .task('AddToGroup', 120)
      .task('PublishUserCreated', 60)
      .succeed('UserCreated'),
  );
  aws.publish('app2', ids.anna, 10, 'ServiceUserCreated', at('09:55:11.120'), { username: 'anna' });
  aws.publish('app1', ids.anna, 10, 'ServiceUserProvisioned', at('09:55:11.725'), { username: 'anna' });

  // A step failed, and the creation was compensated.
  const why = { step: 'AddToGroup', error: 'AccessDeniedException' };
  const app1Failure = { step: 'RequestUserCreation', error: 'UserCreationFailed' };
  const creation = app2('carol', '09:48:20.500')
    .task('CreateUser', 210, { sub: 'a3' }, { user_sub: 'a3' })
    .task('SetPassword', 150)
    .enter('AddToGroup', { sub: 'a3' })
    .failed(110, 'ServiceUnavailable', 'No response')
    .after(900);
  aws.put(
    'CreateServiceUser',
    ids.carol,
    encrypted('carol'),
    fixed
      ? creation.done(100).exit('AddToGroup').task('PublishUserCreated', 60).succeed('UserCreated')
      : creation
          .failed(100, 'AccessDeniedException', denied)
          .exit('AddToGroup', { Error: 'AccessDeniedException' }, { failure: why })
          .task('DeleteUser', 320)
          .task('PublishUserRolledBack', 55)
          .fail('UserCreationRolledBack', why),
  );
  aws.put(
    'ProvisionServiceUser',
    ids.carol,
    withIntakeCiphertext('carol'),
    compensated(
      targetFailed(
        app1('carol', '09:48:20')
          .enter('RequestUserCreation')
          .failed(2_700, 'UserCreationFailed', 'App2 ended as FAILED.'),
      ),
      260,
    )
      .task('PublishProvisioningFailed', 50)
      .fail('ProvisioningFailed', app1Failure),
  );
  aws.publish('app2', ids.carol, 40, 'ServiceUserCreationRolledBack', at('09:48:22.515'), { failure: why });
  aws.publish('app1', ids.carol, 30, 'ServiceUserProvisioningFailed', at('09:48:23.360'), {
    failure: app1Failure,
  });

  // A rejected password.
  const rejected = { step: 'DecryptCredentials', error: 'PasswordRejected' };
  aws.put(
    'CreateServiceUser',
    ids.bob,
    encrypted('bob'),
    history(at('09:31:05.500'))
      .begin(encrypted('bob'))
      .enter('DecryptCredentials')
      .failed(80, 'PasswordRejected')
      .exit('DecryptCredentials')
      .task('PublishUserCreationRejected', 50)
      .fail('UserCreationRejected', rejected),
  );
  const atApp1 = { ...rejected, step: 'RequestUserCreation' };
  aws.put(
    'ProvisionServiceUser',
    ids.bob,
    withIntakeCiphertext('bob'),
    compensated(
      targetFailed(app1('bob', '09:31:05').enter('RequestUserCreation').failed(420, 'PasswordRejected')),
      200,
    )
      .task('PublishProvisioningFailed', 50)
      .fail('ProvisioningFailed', atApp1),
  );

  // The compensation failed, and the roll-back of the sweep failed, too.
  const cannot = { step: 'SetPassword', error: 'AccessDeniedException' };
  const stuck = (time: string) => history(at(time)).begin(inputOf('dave'));
  aws.put(
    'CreateServiceUser',
    ids.dave,
    encrypted('dave'),
    app2('dave', '09:12:00.500')
      .task('CreateUser', 200, { sub: 'a5' }, { user_sub: 'a5' })
      .enter('SetPassword')
      .failed(100, 'AccessDeniedException')
      .exit('SetPassword')
      .enter('DeleteUser')
      .failed(100, 'ServiceUnavailable')
      .after(2_000)
      .failed(100, 'ServiceUnavailable')
      .exit('DeleteUser')
      .task('PublishRollBackFailed', 50)
      .fail('RollBackFailed', cannot),
  );
  aws.put(
    'RollBackServiceUser',
    rollBackOf('dave'),
    inputOf('dave'),
    stuck('09:12:30')
      .task('StopUserCreation', 90)
      .enter('DeleteUser')
      .failed(100, 'AccessDeniedException', denied)
      .exit('DeleteUser')
      .fail('RollBackFailed', { step: 'DeleteUser', error: 'AccessDeniedException' }),
  );
  aws.put(
    'RollBackServiceUser',
    rollBackOf('dave', 2),
    inputOf('dave'),
    stuck('09:27:30')
      .task('StopUserCreation', 90)
      .enter('DeleteUser')
      .failed(100, 'AccessDeniedException', denied)
      .exit('DeleteUser')
      .fail('RollBackFailed', { step: 'DeleteUser', error: 'AccessDeniedException' }),
  );
  aws.put(
    'ProvisionServiceUser',
    ids.dave,
    withIntakeCiphertext('dave'),
    passed(
      passed(
        targetFailed(
          app1('dave', '09:12:00').enter('RequestUserCreation').failed(3_000, 'UserCreationFailed'),
        )
          .map('CompensateTargets', 1)
          .iteration(0),
        'ChooseCompensation',
      )
        .enter('CancelUserCreation')
        .failed(10_000, 'UserRemovalPending')
        .exit('CancelUserCreation')
        .enter('UserMayRemain', {}, 'SucceedStateEntered')
        .exit('UserMayRemain')
        .exitMap(),
      'ChooseOutcome',
    )
      .task('PublishRollBackFailed', 50)
      .fail('RollBackFailed', { step: 'RequestUserCreation', error: 'UserCreationFailed' }),
  );
  aws.publish('app2', ids.dave, 30, 'ServiceUserRollBackFailed', at('09:12:03.300'), { failure: cannot });

  // Provisioned, and removed later at the wish of its owner.
  aws.put(
    'ProvisionServiceUser',
    ids.erin,
    withIntakeCiphertext('erin'),
    app1('erin', '09:02:00')
      .task('RequestUserCreation', 1_200)
      .exitMap()
      .task('PublishProvisioned', 60)
      .succeed('Provisioned'),
  );
  aws.put(
    'CreateServiceUser',
    ids.erin,
    encrypted('erin'),
    app2('erin', '09:02:00.500')
      .task('CreateUser', 200)
      .task('SetPassword', 140)
      .task('AddToGroup', 110)
      .task('PublishUserCreated', 60)
      .succeed('UserCreated'),
  );
  aws.put(
    'RollBackServiceUser',
    rollBackOf('erin'),
    inputOf('erin'),
    history(at('09:40:00.700'))
      .begin(inputOf('erin'))
      .task('StopUserCreation', 80)
      .task('DeleteUser', 300)
      .task('PublishUserRemoved', 50)
      .succeed('UserRemoved'),
  );
  aws.put(
    'RollBackProvisioning',
    rollBackOf('erin'),
    inputOf('erin'),
    passed(
      compensated(history(at('09:40:00')).begin(inputOf('erin')).task('StopProvisioning', 80), 1_400),
      'ChoosePublishedOutcome',
    )
      .task('PublishDeprovisioned', 50)
      .succeed('Deprovisioned'),
  );
  return aws;
}
