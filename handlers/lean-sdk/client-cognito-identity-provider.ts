import { commandsOf, ownerOf } from './json-service.ts';

const command = commandsOf({
  target: 'AWSCognitoIdentityProviderService',
  version: '1.1',
  times: ['CreationDate', 'LastModifiedDate', 'UserCreateDate', 'UserLastModifiedDate'],
});

export const CognitoIdentityProviderClient = ownerOf({ host: 'cognito-idp', signing: 'cognito-idp' });
export const AdminAddUserToGroupCommand = command('AdminAddUserToGroup');
export const AdminCreateUserCommand = command('AdminCreateUser');
export const AdminDeleteUserCommand = command('AdminDeleteUser');
export const AdminDisableUserCommand = command('AdminDisableUser');
export const AdminGetUserCommand = command('AdminGetUser');
export const AdminListGroupsForUserCommand = command('AdminListGroupsForUser');
export const AdminSetUserPasswordCommand = command('AdminSetUserPassword');
export const DescribeUserPoolClientCommand = command('DescribeUserPoolClient');
export const InitiateAuthCommand = command('InitiateAuth', { unsigned: true });
export const ListUsersInGroupCommand = command('ListUsersInGroup');
