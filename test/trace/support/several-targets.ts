import { rollBackName } from '../../../handlers/shared/roll-back-names.ts';
import { type History, history } from '../../support/history.ts';
import { FakeAws, type FakeMachine, services, target } from './fake-aws.ts';

/** Provisionings with three targets, at a fixed time. */

export const SEVERAL_NOW = new Date('2026-01-02T10:00:00Z');
const at = (time: string) => new Date(`2026-01-02T${time}Z`);

/** App1 and its targets. */
export const severalServices = [...services, target('payments'), target('orders')];
const TARGETS = ['app2', 'payments', 'orders'];

/** `gina` is running; `hugo` has failed at payments; the roll-back of `iris` has failed at orders. */
export const severalIds = {
  gina: '6f1d2a54-0c0e-4f7e-9d55-000000000011',
  hugo: '6f1d2a54-0c0e-4f7e-9d55-000000000012',
  iris: '6f1d2a54-0c0e-4f7e-9d55-000000000013',
} as const;
type Username = keyof typeof severalIds;

const CREATION_ID = '6f0b7c52-3c1e-4d0a-8a55-0f6f3f2c9b12';
const inputOf = (who: Username) => ({
  provisioning_id: severalIds[who],
  creation_id: CREATION_ID,
  username: who,
  human_user_id: 'h-1001',
  owner: '111111111111:AROAEXAMPLE',
});
const atApp1 = (who: Username) => ({ ...inputOf(who), targets: TARGETS });

const machineOf = (name: string): FakeMachine =>
  name === 'app2' ? 'CreateServiceUser' : `${name}-CreateServiceUser`;

const choice = (run: History, name: string): History => run.enter(name, {}, 'ChoiceStateEntered').exit(name);

/** App1's execution, until each target has received the request. */
function requested(who: Username, time: string): History {
  const run = history(at(time)).begin(atApp1(who)).task('PublishRequested', 40).map('ProvisionTargets', 3);
  for (const index of [0, 1, 2]) run.iteration(index).task('Authenticate', 60);
  for (const index of [1, 0, 2]) run.iteration(index).task('EncryptCredentials', 40);
  for (const index of [0, 1, 2]) run.iteration(index).enter('RequestUserCreation').schedule();
  return run;
}

/** A creation at a target, until the user exists and has its password. */
const creation = (who: Username, time: string): History =>
  history(at(time))
    .begin(inputOf(who))
    .task('DecryptCredentials', 90)
    .task('CreateUser', 200, { sub: 'a1' }, { user_sub: 'a1' })
    .task('SetPassword', 150);

const created = (who: Username, time: string): History =>
  creation(who, time).task('AddToGroup', 120).task('PublishUserCreated', 60).succeed('UserCreated');

/** A creation that has succeeded, and its roll-back. */
function removed(aws: FakeAws, who: Username, name: string, times: [created: string, removed: string]): void {
  aws.put(machineOf(name), severalIds[who], inputOf(who), created(who, times[0]));
  aws.put(
    name === 'app2' ? 'RollBackServiceUser' : `${name}-RollBackServiceUser`,
    rollBackName({ provisioning_id: severalIds[who], creation_id: CREATION_ID }, 1),
    inputOf(who),
    history(at(times[1]))
      .begin(inputOf(who))
      .task('StopUserCreation', 80)
      .task('DeleteUser', 300)
      .task('PublishUserRemoved', 50)
      .succeed('UserRemoved'),
  );
}

/** The fake AWS with all of them. */
export function severalTargets(): FakeAws {
  const aws = new FakeAws();

  // App2 has created its user, payments waits for its next attempt, and orders has just started.
  aws.put(
    'ProvisionServiceUser',
    severalIds.gina,
    atApp1('gina'),
    requested('gina', '09:59:51')
      .iteration(0)
      .after(900)
      .finish()
      .exit('RequestUserCreation')
      .iteration(1)
      .after(100)
      .finish('TargetUnavailable')
      .after(1_000)
      .failed(1_500, 'TargetUnavailable'),
  );
  aws.put('CreateServiceUser', severalIds.gina, inputOf('gina'), created('gina', '09:59:51.400'));
  aws.put(
    machineOf('orders'),
    severalIds.gina,
    inputOf('gina'),
    history(at('09:59:51.500'))
      .begin(inputOf('gina'))
      .task('DecryptCredentials', 90)
      .enter('CreateUser')
      .failed(300, 'ServiceThrottled')
      .after(2_000)
      .schedule(),
  );

  // A step at payments failed: the requests to the others were stopped, and the users were removed at all.
  const failed = { target: 'payments', step: 'RequestUserCreation', error: 'UserCreationFailed' };
  const denied = { step: 'AddToGroup', error: 'AccessDeniedException' };
  const hugo = requested('hugo', '09:50:00')
    .iteration(0)
    .after(800)
    .finish()
    .exit('RequestUserCreation')
    .iteration(1)
    .after(600)
    .finish('UserCreationFailed', 'payments ended as FAILED.')
    .exit('RequestUserCreation')
    .enter('TargetFailed', {}, 'FailStateEntered')
    .failMap()
    .map('CompensateTargets', 3);
  for (const index of [0, 1, 2]) choice(hugo.iteration(index), 'ChooseCompensation');
  for (const index of [1, 0, 2]) hugo.iteration(index).task('CancelUserCreation', 250);
  aws.put(
    'ProvisionServiceUser',
    severalIds.hugo,
    atApp1('hugo'),
    choice(hugo.exitMap(), 'ChooseOutcome')
      .task('PublishProvisioningFailed', 50)
      .fail('ProvisioningFailed', failed),
  );
  aws.put(
    machineOf('payments'),
    severalIds.hugo,
    inputOf('hugo'),
    creation('hugo', '09:50:00.400')
      .enter('AddToGroup')
      .failed(120, 'AccessDeniedException', 'AccessDeniedException (HTTP 403)')
      .exit('AddToGroup')
      .task('DeleteUser', 260)
      .task('PublishUserRolledBack', 50)
      .fail('UserCreationRolledBack', denied),
  );
  removed(aws, 'hugo', 'app2', ['09:50:00.300', '09:50:02.100']);
  removed(aws, 'hugo', 'orders', ['09:50:00.500', '09:50:02.300']);
  aws.publish('app1', severalIds.hugo, 40, 'ServiceUserProvisioningFailed', at('09:50:02.550'), {
    failure: failed,
  });

  // App2 rejected the password, and orders could not be reached during the whole compensation.
  const rejected = { target: 'app2', step: 'RequestUserCreation', error: 'PasswordRejected' };
  const iris = requested('iris', '09:20:00')
    .iteration(0)
    .after(300)
    .finish('PasswordRejected')
    .exit('RequestUserCreation')
    .enter('TargetFailed', {}, 'FailStateEntered')
    .failMap()
    .map('CompensateTargets', 3);
  for (const index of [0, 1, 2]) choice(iris.iteration(index), 'ChooseCompensation');
  for (const index of [0, 1]) iris.iteration(index).task('CancelUserCreation', 250);
  iris
    .iteration(2)
    .enter('CancelUserCreation')
    .failed(3_000, 'TargetUnavailable')
    .after(1_000)
    .failed(3_000, 'TargetUnavailable')
    .exit('CancelUserCreation')
    .enter('UserMayRemain', {}, 'SucceedStateEntered')
    .exit('UserMayRemain');
  const remaining = { ...rejected, remaining: ['orders'] };
  aws.put(
    'ProvisionServiceUser',
    severalIds.iris,
    atApp1('iris'),
    choice(iris.exitMap(), 'ChooseOutcome')
      .task('PublishRollBackFailed', 50)
      .fail('RollBackFailed', remaining),
  );
  aws.put(
    'CreateServiceUser',
    severalIds.iris,
    inputOf('iris'),
    history(at('09:20:00.300'))
      .begin(inputOf('iris'))
      .enter('DecryptCredentials')
      .failed(80, 'PasswordRejected')
      .exit('DecryptCredentials')
      .task('PublishUserCreationRejected', 50)
      .fail('UserCreationRejected', { step: 'DecryptCredentials', error: 'PasswordRejected' }),
  );
  removed(aws, 'iris', 'payments', ['09:20:00.400', '09:20:02.000']);
  aws.put(machineOf('orders'), severalIds.iris, inputOf('iris'), created('iris', '09:20:00.500'));
  return aws;
}
