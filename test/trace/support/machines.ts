/** Small state machines in the shape of the real ones. They are fixed, because pictures of them are compared. */

type Catcher = [errors: string, next: string];

const catching = (caught: Catcher[]) => caught.map(([error, Next]) => ({ ErrorEquals: [error], Next }));
const task = (Next: string, ...caught: Catcher[]) => ({ Type: 'Task', Next, Catch: catching(caught) });
/** The last state of an iteration. */
const lastTask = (...caught: Catcher[]) => ({ Type: 'Task', End: true, Catch: catching(caught) });
const any = (Next: string): Catcher => ['States.ALL', Next];
const end = (Type: 'Succeed' | 'Fail') => ({ Type });
const choice = (Condition: string, Next: string, Default: string) => ({
  Type: 'Choice',
  Choices: [{ Condition: `{% ${Condition} %}`, Next }],
  Default,
});
const states = (States: Record<string, object>) => ({ StartAt: Object.keys(States)[0], States });
/** A Map over the targets. */
const map = (Next: string, iteration: Record<string, object>, ...caught: Catcher[]) => ({
  Type: 'Map',
  Next,
  ItemProcessor: states(iteration),
  Catch: catching(caught),
});
const stateMachine = (Comment: string, all: Record<string, object>): string =>
  JSON.stringify({ Comment, ...states(all) });

const compensateTargets = map(
  'ChooseOutcome',
  {
    ChooseCompensation: choice('$states.input.creation_requested', 'CancelUserCreation', 'NothingRequested'),
    CancelUserCreation: lastTask(any('UserMayRemain')),
    NothingRequested: end('Succeed'),
    UserMayRemain: end('Succeed'),
  },
  any('PublishRollBackFailed'),
);

export const machines = {
  ProvisionServiceUser: stateMachine('Provisions a service user at its targets.', {
    PublishRequested: task('ProvisionTargets', any('CompensateTargets')),
    ProvisionTargets: map(
      'PublishProvisioned',
      {
        Authenticate: task('EncryptCredentials', any('TargetFailed')),
        EncryptCredentials: task('RequestUserCreation', any('TargetFailed')),
        RequestUserCreation: lastTask(any('TargetFailed')),
        TargetFailed: end('Fail'),
      },
      ['TargetFailed', 'CompensateTargets'],
      any('CompensateTargets'),
    ),
    PublishProvisioned: task('Provisioned', any('CompensateTargets')),
    Provisioned: end('Succeed'),
    CompensateTargets: compensateTargets,
    ChooseOutcome: choice('$exists($failed)', 'PublishRollBackFailed', 'PublishProvisioningFailed'),
    PublishProvisioningFailed: task('ProvisioningFailed', any('OutcomeNotPublished')),
    PublishRollBackFailed: task('RollBackFailed', any('RollBackFailed')),
    ProvisioningFailed: end('Fail'),
    RollBackFailed: end('Fail'),
    OutcomeNotPublished: end('Fail'),
  }),
  CreateServiceUser: stateMachine('Creates a service user.', {
    DecryptCredentials: task('CreateUser', ['Cancelled', 'Cancelled'], any('PublishUserCreationRejected')),
    CreateUser: task('SetPassword', any('DeleteUser')),
    SetPassword: task('AddToGroup', any('DeleteUser')),
    AddToGroup: task('PublishUserCreated', any('DeleteUser')),
    PublishUserCreated: task('UserCreated', any('DeleteUser')),
    UserCreated: end('Succeed'),
    DeleteUser: task('PublishUserRolledBack', any('PublishRollBackFailed')),
    PublishUserRolledBack: task('UserCreationRolledBack', any('OutcomeNotPublished')),
    UserCreationRolledBack: end('Fail'),
    PublishUserCreationRejected: task('UserCreationRejected', any('OutcomeNotPublished')),
    UserCreationRejected: end('Fail'),
    PublishRollBackFailed: task('RollBackFailed', any('RollBackFailed')),
    RollBackFailed: end('Fail'),
    OutcomeNotPublished: end('Fail'),
    Cancelled: end('Fail'),
  }),
  RollBackProvisioning: stateMachine('Rolls a provisioning back.', {
    StopProvisioning: task('CompensateTargets', any('PublishRollBackFailed')),
    CompensateTargets: compensateTargets,
    ChooseOutcome: choice('$exists($failed)', 'PublishRollBackFailed', 'ChoosePublishedOutcome'),
    ChoosePublishedOutcome: choice('$had_succeeded', 'PublishDeprovisioned', 'PublishProvisioningFailed'),
    PublishDeprovisioned: task('Deprovisioned'),
    PublishProvisioningFailed: task('Deprovisioned'),
    PublishRollBackFailed: task('RollBackFailed', any('RollBackFailed')),
    Deprovisioned: end('Succeed'),
    RollBackFailed: end('Fail'),
  }),
  RollBackServiceUser: stateMachine('Rolls a creation back.', {
    StopUserCreation: task('DeleteUser'),
    DeleteUser: task('PublishUserRemoved', any('RollBackFailed')),
    PublishUserRemoved: task('UserRemoved'),
    UserRemoved: end('Succeed'),
    RollBackFailed: end('Fail'),
  }),
} as const;

export type MachineName = keyof typeof machines;
