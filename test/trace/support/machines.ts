/** Small machines in the shape of ours, which do not change when ours do: pictures of them are compared. */

const task = (Next: string, ...caught: [string, string][]) => ({
  Type: 'Task',
  Next,
  Catch: caught.map(([error, Next]) => ({ ErrorEquals: [error], Next })),
});
const any = (Next: string): [string, string] => ['States.ALL', Next];
const end = (Type: 'Succeed' | 'Fail') => ({ Type });
const machine = (Comment: string, States: Record<string, object>): string =>
  JSON.stringify({ Comment, StartAt: Object.keys(States)[0], States });

export const machines = {
  ProvisionServiceUser: machine('Has a service user made at App2.', {
    Authenticate: task('EncryptCredentials', any('AnnounceProvisioningFailed')),
    EncryptCredentials: task('RequestUserCreation', any('AnnounceProvisioningFailed')),
    RequestUserCreation: task('AnnounceProvisioned', any('CancelUserCreation')),
    AnnounceProvisioned: task('Provisioned', any('CancelUserCreation')),
    Provisioned: end('Succeed'),
    CancelUserCreation: task('AnnounceProvisioningFailed', any('RollBackFailed')),
    AnnounceProvisioningFailed: task('ProvisioningFailed', any('EndNotAnnounced')),
    ProvisioningFailed: end('Fail'),
    RollBackFailed: end('Fail'),
    EndNotAnnounced: end('Fail'),
  }),
  CreateServiceUser: machine('Creates a service user.', {
    DecryptCredentials: task('CreateUser', ['Cancelled', 'Cancelled'], any('AnnounceRejected')),
    CreateUser: task('SetPassword', any('DeleteUser')),
    SetPassword: task('AddToGroup', any('DeleteUser')),
    AddToGroup: task('AnnounceCreated', any('DeleteUser')),
    AnnounceCreated: task('UserCreated', any('DeleteUser')),
    UserCreated: end('Succeed'),
    DeleteUser: task('AnnounceRolledBack', any('AnnounceRollBackFailed')),
    AnnounceRolledBack: task('UserCreationRolledBack', any('EndNotAnnounced')),
    UserCreationRolledBack: end('Fail'),
    AnnounceRejected: task('UserCreationRejected', any('EndNotAnnounced')),
    UserCreationRejected: end('Fail'),
    AnnounceRollBackFailed: task('RollBackFailed', any('RollBackFailed')),
    RollBackFailed: end('Fail'),
    EndNotAnnounced: end('Fail'),
    Cancelled: end('Fail'),
  }),
  RollBackProvisioning: machine('Undoes a provisioning.', {
    StopProvisioning: task('CancelUserCreation'),
    CancelUserCreation: task('WasItProvisioned', any('RollBackFailed')),
    WasItProvisioned: {
      Type: 'Choice',
      Choices: [{ Condition: '{% $was_provisioned %}', Next: 'AnnounceDeprovisioned' }],
      Default: 'AnnounceProvisioningFailed',
    },
    AnnounceDeprovisioned: task('Deprovisioned'),
    AnnounceProvisioningFailed: task('RolledBack'),
    Deprovisioned: end('Succeed'),
    RolledBack: end('Succeed'),
    RollBackFailed: end('Fail'),
  }),
  RollBackServiceUser: machine('Undoes a creation.', {
    StopUserCreation: task('DeleteUser'),
    DeleteUser: task('AnnounceRemoved', any('RollBackFailed')),
    AnnounceRemoved: task('UserRemoved'),
    UserRemoved: end('Succeed'),
    RollBackFailed: end('Fail'),
  }),
} as const;

export type MachineName = keyof typeof machines;
