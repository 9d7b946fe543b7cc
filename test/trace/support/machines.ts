/** Small state machines in the shape of the real ones. They are fixed, because pictures of them are compared. */

const task = (Next: string, ...caught: [string, string][]) => ({
  Type: 'Task',
  Next,
  Catch: caught.map(([error, Next]) => ({ ErrorEquals: [error], Next })),
});
const any = (Next: string): [string, string] => ['States.ALL', Next];
const end = (Type: 'Succeed' | 'Fail') => ({ Type });
const stateMachine = (Comment: string, States: Record<string, object>): string =>
  JSON.stringify({ Comment, StartAt: Object.keys(States)[0], States });

export const machines = {
  ProvisionServiceUser: stateMachine('Provisions a service user at App2.', {
    Authenticate: task('EncryptCredentials', any('PublishProvisioningFailed')),
    EncryptCredentials: task('RequestUserCreation', any('PublishProvisioningFailed')),
    RequestUserCreation: task('PublishProvisioned', any('CancelUserCreation')),
    PublishProvisioned: task('Provisioned', any('CancelUserCreation')),
    Provisioned: end('Succeed'),
    CancelUserCreation: task('PublishProvisioningFailed', any('RollBackFailed')),
    PublishProvisioningFailed: task('ProvisioningFailed', any('OutcomeNotPublished')),
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
    StopProvisioning: task('CancelUserCreation'),
    CancelUserCreation: task('WasItProvisioned', any('RollBackFailed')),
    WasItProvisioned: {
      Type: 'Choice',
      Choices: [{ Condition: '{% $was_provisioned %}', Next: 'PublishDeprovisioned' }],
      Default: 'PublishProvisioningFailed',
    },
    PublishDeprovisioned: task('Deprovisioned'),
    PublishProvisioningFailed: task('RolledBack'),
    Deprovisioned: end('Succeed'),
    RolledBack: end('Succeed'),
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
