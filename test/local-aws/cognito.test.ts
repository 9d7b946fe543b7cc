import { createHmac, createPublicKey, type JsonWebKey, verify } from 'node:crypto';
import {
  AdminAddUserToGroupCommand,
  AdminCreateUserCommand,
  AdminDeleteUserCommand,
  AdminGetUserCommand,
  AdminListGroupsForUserCommand,
  AdminSetUserPasswordCommand,
  AdminUpdateUserAttributesCommand,
  CognitoIdentityProviderClient,
  CreateGroupCommand,
  CreateUserPoolClientCommand,
  type CreateUserPoolClientCommandInput,
  CreateUserPoolCommand,
  DescribeUserPoolCommand,
  InitiateAuthCommand,
  SignUpCommand,
  UpdateUserAttributesCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { client, endpoint, region } from './support/clients.ts';
import { createFunction } from './support/functions.ts';
import { present } from './support/present.ts';
import { callerWho } from './support/roles.ts';
import { unique } from './support/unique.ts';

const cognito = client(CognitoIdentityProviderClient);
const group = 'service-user';
const goodPassword = 'Correct-horse-1-battery';

let UserPoolId: string;

beforeAll(async () => {
  UserPoolId = await createPool();
  await cognito.send(new CreateGroupCommand({ UserPoolId, GroupName: group }));
});

describe('unchanged: Cognito users', () => {
  // cognito-user-identity-pools/latest/APIReference/API_AdminCreateUser (TemporaryPassword, MessageAction)
  it('creates a user with a generated password that must be changed', async () => {
    const { User } = await createUser(unique('user'));

    expect(User).toMatchObject({ UserStatus: 'FORCE_CHANGE_PASSWORD', Enabled: true });
  });

  // cognito-user-identity-pools/latest/APIReference/API_AdminCreateUser (Errors): UsernameExistsException
  it('creates only one user with a name', async () => {
    const Username = unique('user');
    await createUser(Username);

    await expect(createUser(Username)).rejects.toMatchObject({ name: 'UsernameExistsException' });
  });

  // cognito/latest/developerguide/user-pool-settings-attributes#user-pool-settings-custom-attributes
  it('stores custom attributes and gives every user a sub', async () => {
    const Username = unique('user');
    await createUser(Username, { 'custom:provisioning_id': 'p-1' });

    expect(await attributes(Username)).toMatchObject({
      'custom:provisioning_id': 'p-1',
      sub: expect.stringMatching(/^[\da-f-]{36}$/),
    });
  });

  // cognito-user-identity-pools/latest/APIReference/API_AdminGetUser (Username): also a local user's sub
  it('finds a user by its sub: get, set password, add to group', async () => {
    const Username = unique('user');
    await createUser(Username);
    const sub = present((await attributes(Username))['sub']);
    const user = { UserPoolId, Username: sub };

    await cognito.send(new AdminSetUserPasswordCommand({ ...user, Password: goodPassword, Permanent: true }));
    await cognito.send(new AdminAddUserToGroupCommand({ ...user, GroupName: group }));
    const { Groups } = await cognito.send(new AdminListGroupsForUserCommand({ UserPoolId, Username }));

    expect(await cognito.send(new AdminGetUserCommand(user))).toMatchObject({ UserStatus: 'CONFIRMED' });
    expect(Groups).toMatchObject([{ GroupName: group }]);
  });

  it('deletes a user by its sub', async () => {
    const Username = unique('user');
    await createUser(Username);
    const sub = present((await attributes(Username))['sub']);

    await cognito.send(new AdminDeleteUserCommand({ UserPoolId, Username: sub }));

    for (const name of [sub, Username]) {
      const attempt = cognito.send(new AdminGetUserCommand({ UserPoolId, Username: name }));
      await expect(attempt).rejects.toMatchObject({ name: 'UserNotFoundException' });
    }
  });

  // cognito-user-identity-pools/latest/APIReference/API_AdminDeleteUser (Errors): UserNotFoundException
  it('distinguishes a new user from a deleted one with its name', async () => {
    const Username = unique('user');
    await createUser(Username);
    const sub = present((await attributes(Username))['sub']);
    await cognito.send(new AdminDeleteUserCommand({ UserPoolId, Username: sub }));
    await createUser(Username);

    const late = cognito.send(new AdminDeleteUserCommand({ UserPoolId, Username: sub }));

    await expect(late).rejects.toMatchObject({ name: 'UserNotFoundException' });
    expect(await attributes(Username)).not.toMatchObject({ sub });
  });

  // cognito-user-identity-pools/latest/APIReference/API_AdminSetUserPassword (Permanent)
  it('confirms a user by a permanent password, but not by a temporary one', async () => {
    const user = { UserPoolId, Username: unique('user') };
    await createUser(user.Username);

    for (const [Permanent, UserStatus] of [
      [false, 'FORCE_CHANGE_PASSWORD'],
      [true, 'CONFIRMED'],
    ] as const) {
      await cognito.send(new AdminSetUserPasswordCommand({ ...user, Password: goodPassword, Permanent }));
      expect(await cognito.send(new AdminGetUserCommand(user))).toMatchObject({ UserStatus });
    }
  });

  // cognito-user-identity-pools/latest/APIReference/API_PasswordPolicyType
  it.each([
    ['too short', 'Short-1'],
    ['without a digit', 'Correct-horse-battery'],
    ['without a symbol', 'Correcthorse1battery'],
    ['without a capital letter', 'correct-horse-1-battery'],
    ['without a lower-case character', 'CORRECT-HORSE-1-BATTERY'],
  ])('rejects a password that breaks the policy: %s', async (_, Password) => {
    const user = { UserPoolId, Username: unique('user') };
    await createUser(user.Username);
    const attempt = cognito.send(new AdminSetUserPasswordCommand({ ...user, Password, Permanent: true }));

    await expect(attempt).rejects.toMatchObject({ name: 'InvalidPasswordException' });
  });

  // cognito-user-identity-pools/latest/APIReference/API_DescribeUserPool: the policy in force
  it('returns the password policy', async () => {
    const { UserPool } = await cognito.send(new DescribeUserPoolCommand({ UserPoolId }));

    expect(UserPool?.Policies?.PasswordPolicy).toMatchObject({ MinimumLength: 12, RequireNumbers: true });
  });

  // cognito-user-identity-pools/latest/APIReference/API_AdminAddUserToGroup: repeated, and without a group
  it('adds a user to a group repeatedly, but only to an existing one', async () => {
    const user = { UserPoolId, Username: unique('user') };
    await createUser(user.Username);
    const add = (GroupName: string) => cognito.send(new AdminAddUserToGroupCommand({ ...user, GroupName }));
    await add(group);
    await add(group);

    await expect(add('no-such-group')).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });

  // cognito/latest/developerguide/security_iam_service-with-iam: the admin API asks IAM
  it('denies administration of a pool without permission', async () => {
    const stranger = client(CognitoIdentityProviderClient, await callerWho());
    const attempt = stranger.send(new AdminGetUserCommand({ UserPoolId, Username: 'x' }));

    await expect(attempt).rejects.toMatchObject({ name: 'AccessDeniedException' });
  });
});

describe('unchanged: Cognito sign-in', () => {
  // cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token
  it('issues access tokens with groups, client and user, signed by the key of the JWKS', async () => {
    const app = await createClient();
    const username = await createConfirmedUser();
    await cognito.send(new AdminAddUserToGroupCommand({ UserPoolId, Username: username, GroupName: group }));
    const token = await signIn(app, username, goodPassword);
    const claims = await verified(token);

    expect(claims).toMatchObject({
      'cognito:groups': [group],
      client_id: app.id,
      token_use: 'access',
      username,
      sub: (await attributes(username))['sub'],
      iss: `https://cognito-idp.${region}.amazonaws.com/${UserPoolId}`,
    });
  });

  // cognito-user-identity-pools/latest/APIReference/API_CreateUserPoolClient (AccessTokenValidity)
  it('issues tokens with the validity of the client', async () => {
    const token = await signIn(await createClient(), await createConfirmedUser(), goodPassword);
    const { exp, iat } = await verified(token);

    expect(Number(exp) - Number(iat)).toBe(15 * 60);
  });

  // cognito/latest/developerguide/signing-up-users-in-your-app#cognito-user-pools-computing-secret-hash
  it('signs in with a client that has a secret', async () => {
    const app = await createClient({ GenerateSecret: true });

    expect(app.secret).toBeDefined();
    expect(await signIn(app, await createConfirmedUser(), goodPassword)).toBeDefined();
  });

  // cognito/latest/developerguide/cognito-user-pool-managing-errors (PreventUserExistenceErrors)
  it('returns the same error for a wrong password and an unknown user', async () => {
    const app = await createClient();
    const known = await createConfirmedUser();

    for (const username of [known, unique('unknown')]) {
      await expect(signIn(app, username, 'Wrong-horse-1-battery')).rejects.toMatchObject({
        name: 'NotAuthorizedException',
        message: 'Incorrect username or password.',
      });
    }
  });

  // cognito-user-identity-pools/latest/APIReference/API_InitiateAuth: NEW_PASSWORD_REQUIRED
  it('issues no token to a user that must change its password', async () => {
    const Username = unique('user');
    await createUser(Username);
    const user = { UserPoolId, Username };
    await cognito.send(
      new AdminSetUserPasswordCommand({ ...user, Password: goodPassword, Permanent: false }),
    );
    const answer = await cognito.send(initiateAuth(await createClient(), Username, goodPassword));

    expect(answer).toMatchObject({ ChallengeName: 'NEW_PASSWORD_REQUIRED' });
    expect(answer.AuthenticationResult).toBeUndefined();
  });

  // cognito-user-identity-pools/latest/APIReference/API_InitiateAuth: an operation without AWS credentials
  it('signs in a client without AWS credentials', async () => {
    const app = await createClient();
    const username = await createConfirmedUser();
    const response = await fetch(endpoint, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/x-amz-json-1.1',
        'X-Amz-Target': 'AWSCognitoIdentityProviderService.InitiateAuth',
      },
      body: JSON.stringify(initiateAuth(app, username, goodPassword).input),
    });

    expect(await response.json()).toMatchObject({ AuthenticationResult: { TokenType: 'Bearer' } });
  });
});

describe('corrected: Cognito users that are created concurrently', () => {
  // cognito-user-identity-pools/latest/APIReference/API_AdminCreateUser (Errors): UsernameExistsException
  it('creates only one user with a name', async () => {
    // The function delays the creation between the check of the name and the write of the user.
    const CustomMessage = await createFunction(
      'exports.handler = (event) => new Promise((resolve) => setTimeout(resolve, 300, event));',
    );
    const Pool = present(
      (
        await cognito.send(
          new CreateUserPoolCommand({ PoolName: unique('pool'), LambdaConfig: { CustomMessage } }),
        )
      ).UserPool?.Id,
    );
    const Username = unique('user');
    const create = () =>
      cognito.send(
        new AdminCreateUserCommand({
          UserPoolId: Pool,
          Username,
          DesiredDeliveryMediums: ['EMAIL'],
          UserAttributes: [{ Name: 'email', Value: `${Username}@example.com` }],
        }),
      );
    const made = await Promise.allSettled([create(), create(), create()]);

    expect(made.map((one) => (one.status === 'fulfilled' ? 'made' : one.reason.name)).sort()).toEqual([
      'UsernameExistsException',
      'UsernameExistsException',
      'made',
    ]);
  });
});

describe('corrected: Cognito generated passwords', () => {
  // cognito-user-identity-pools/latest/APIReference/API_AdminCreateUser (TemporaryPassword), API_PasswordPolicyType
  it('creates a user in a pool with the strictest policy', async () => {
    const strict = await createPool(99);

    const { User } = await cognito.send(
      new AdminCreateUserCommand({ UserPoolId: strict, Username: unique('user'), MessageAction: 'SUPPRESS' }),
    );

    expect(User?.UserStatus).toBe('FORCE_CHANGE_PASSWORD');
  });
});

describe('corrected: Cognito case-insensitive usernames', () => {
  // cognito/latest/developerguide/user-pool-case-sensitivity
  it('creates only one user with a name in any case', async () => {
    const Username = unique('user');
    await createUser(Username);

    await expect(createUser(Username.toUpperCase())).rejects.toMatchObject({
      name: 'UsernameExistsException',
    });
  });

  // cognito/latest/developerguide/user-pool-case-sensitivity
  it('finds and signs in a user by a name in any case', async () => {
    const username = await createConfirmedUser();

    expect(await attributes(username.toUpperCase())).toEqual(await attributes(username));
    expect(await signIn(await createClient(), username.toUpperCase(), goodPassword)).toBeDefined();
  });
});

describe('corrected: Cognito invalid usernames and passwords', () => {
  const setPassword = async (Password: string): Promise<void> => {
    const Username = unique('user');
    await createUser(Username);
    await cognito.send(new AdminSetUserPasswordCommand({ UserPoolId, Username, Password, Permanent: true }));
    await signIn(await createClient(), Username, Password);
  };

  // cognito-user-identity-pools/latest/APIReference/API_AdminSetUserPassword (Password)
  it.each([
    ['a line end inside', 'Correct-horse-1\nbattery'],
    ['a carriage return inside', 'Correct-horse-1\rbattery'],
    ['a line separator beside a space', 'Correct-horse-1 \u2028 battery'],
    ['a space at its begin', ' Correct-horse-1-battery'],
    ['a space at its end', 'Correct-horse-1-battery '],
    ['a tab at its end', 'Correct-horse-1-battery\t'],
    ['more than 256 characters', `Correct-horse-1${'x'.repeat(242)}`],
  ])('rejects a password with %s as an invalid parameter', async (_what, password) => {
    await expect(setPassword(password)).rejects.toMatchObject({
      name: 'InvalidParameterException',
      message: expect.stringContaining("Value at 'password' failed to satisfy constraint"),
    });
  });

  // cognito/latest/developerguide/managing-users-passwords (Password requirements)
  it.each([
    ['upper case beyond Basic Latin', '\u00c9correct-horse-1'],
    ['digits beyond 0 to 9', 'Correct-horse-\u0661'],
  ])('does not count %s', async (_what, password) => {
    await expect(setPassword(password)).rejects.toMatchObject({ name: 'InvalidPasswordException' });
  });

  // cognito/latest/developerguide/managing-users-passwords (Password requirements)
  it('counts an inner space as a special character, and accepts other alphabets', async () => {
    await expect(setPassword('Correct horse 1 batt\u00e9ry')).resolves.toBeUndefined();
  });

  // cognito-user-identity-pools/latest/APIReference/API_AdminCreateUser (Username)
  it.each(['al ice', 'al\nice', 'al\u200bice', 'a'.repeat(129)])(
    'rejects the username %j as an invalid parameter',
    async (username) => {
      await expect(createUser(username)).rejects.toMatchObject({
        name: 'InvalidParameterException',
        message: expect.stringContaining("Value at 'username'"),
      });
    },
  );
});

describe('corrected: Cognito protected attributes', () => {
  const write = async (app: AppClient, Name: string) => {
    const username = await createConfirmedUser();
    const AccessToken = await signIn(app, username, goodPassword);
    await cognito.send(
      new UpdateUserAttributesCommand({ AccessToken, UserAttributes: [{ Name, Value: 'x' }] }),
    );
    return (await attributes(username))[Name];
  };

  // cognito/latest/developerguide/user-pool-settings-attributes (attribute permissions and scopes)
  it('allows a user to write only the attributes of its client', async () => {
    const app = await createClient({ WriteAttributes: ['locale'] });

    expect(await write(app, 'locale')).toBe('x');
    await expect(write(app, 'nickname')).rejects.toMatchObject({ name: 'NotAuthorizedException' });
  });

  // cognito/latest/developerguide/user-pool-settings-attributes (custom attributes: immutable)
  it('rejects changes of an immutable attribute', async () => {
    const Username = await createConfirmedUser();
    const UserAttributes = [{ Name: 'custom:provisioning_id', Value: 'x' }];

    await expect(write(await createClient(), 'custom:provisioning_id')).rejects.toMatchObject({
      name: 'InvalidParameterException',
    });
    await expect(
      cognito.send(new AdminUpdateUserAttributesCommand({ UserPoolId, Username, UserAttributes })),
    ).rejects.toMatchObject({ name: 'InvalidParameterException' });
  });
});

describe('corrected: Cognito pools with AllowAdminCreateUserOnly', () => {
  // cognito-user-identity-pools/latest/APIReference/API_AdminCreateUserConfigType
  it('reject sign-up', async () => {
    const { id: ClientId } = await createClient();
    const attempt = cognito.send(
      new SignUpCommand({ ClientId, Username: unique('user'), Password: goodPassword }),
    );

    await expect(attempt).rejects.toMatchObject({ name: 'NotAuthorizedException' });
  });
});

/** A sign-in by a flow that the client does not have. */
async function byAnotherFlow(AuthFlow: 'REFRESH_TOKEN_AUTH' | 'USER_SRP_AUTH') {
  const app = await createClient({ ExplicitAuthFlows: ['ALLOW_USER_PASSWORD_AUTH'] });
  const username = await createConfirmedUser();
  const { AuthenticationResult } = await cognito.send(initiateAuth(app, username, goodPassword));
  const AuthParameters = {
    USERNAME: username,
    SRP_A: 'a',
    REFRESH_TOKEN: present(AuthenticationResult?.RefreshToken),
  };
  return cognito.send(new InitiateAuthCommand({ AuthFlow, ClientId: app.id, AuthParameters }));
}

// cognito-user-identity-pools/latest/APIReference/API_CreateUserPoolClient (ExplicitAuthFlows)
describe('unchanged: Cognito disabled flows', () => {
  it('are rejected: USER_SRP_AUTH', async () => {
    await expect(byAnotherFlow('USER_SRP_AUTH')).rejects.toMatchObject({ name: 'InvalidParameterException' });
  });
});

describe('corrected: Cognito disabled flows', () => {
  it('are rejected: REFRESH_TOKEN_AUTH', async () => {
    await expect(byAnotherFlow('REFRESH_TOKEN_AUTH')).rejects.toMatchObject({
      name: 'InvalidParameterException',
    });
  });
});

async function createPool(MinimumLength = 12): Promise<string> {
  const { UserPool } = await cognito.send(
    new CreateUserPoolCommand({
      PoolName: unique('pool'),
      UsernameConfiguration: { CaseSensitive: false },
      AdminCreateUserConfig: { AllowAdminCreateUserOnly: true },
      Schema: [{ Name: 'provisioning_id', AttributeDataType: 'String', Mutable: false }],
      Policies: {
        PasswordPolicy: {
          MinimumLength,
          RequireLowercase: true,
          RequireNumbers: true,
          RequireSymbols: true,
          RequireUppercase: true,
        },
      },
    }),
  );
  return present(UserPool?.Id);
}

interface AppClient {
  id: string;
  secret: string | undefined;
}

async function createClient(settings: Partial<CreateUserPoolClientCommandInput> = {}): Promise<AppClient> {
  const { UserPoolClient } = await cognito.send(
    new CreateUserPoolClientCommand({
      UserPoolId,
      ClientName: unique('client'),
      ExplicitAuthFlows: ['ALLOW_USER_PASSWORD_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'],
      PreventUserExistenceErrors: 'ENABLED',
      AccessTokenValidity: 15,
      TokenValidityUnits: { AccessToken: 'minutes' },
      ...settings,
    }),
  );
  return { id: present(UserPoolClient?.ClientId), secret: UserPoolClient?.ClientSecret };
}

function createUser(Username: string, custom: Record<string, string> = {}) {
  return cognito.send(
    new AdminCreateUserCommand({
      UserPoolId,
      Username,
      MessageAction: 'SUPPRESS',
      UserAttributes: Object.entries(custom).map(([Name, Value]) => ({ Name, Value })),
    }),
  );
}

async function createConfirmedUser(): Promise<string> {
  const Username = unique('user');
  await createUser(Username);
  await cognito.send(
    new AdminSetUserPasswordCommand({ UserPoolId, Username, Password: goodPassword, Permanent: true }),
  );
  return Username;
}

async function attributes(Username: string): Promise<Record<string, string | undefined>> {
  const { UserAttributes = [] } = await cognito.send(new AdminGetUserCommand({ UserPoolId, Username }));
  return Object.fromEntries(UserAttributes.map(({ Name, Value }) => [Name, Value]));
}

async function signIn(app: AppClient, username: string, password: string): Promise<string> {
  const { AuthenticationResult } = await cognito.send(initiateAuth(app, username, password));
  return present(AuthenticationResult?.AccessToken);
}

function initiateAuth(app: AppClient, USERNAME: string, PASSWORD: string) {
  return new InitiateAuthCommand({
    AuthFlow: 'USER_PASSWORD_AUTH',
    ClientId: app.id,
    AuthParameters: { USERNAME, PASSWORD, ...secretHash(app, USERNAME) },
  });
}

function secretHash({ id, secret }: AppClient, username: string) {
  if (secret === undefined) return {};
  return {
    SECRET_HASH: createHmac('sha256', secret)
      .update(username + id)
      .digest('base64'),
  };
}

/** The claims of a token with a valid RS256 signature of the pool's JWKS. */
async function verified(token: string): Promise<Record<string, unknown>> {
  const [header = '', claims = '', signature = ''] = token.split('.');
  const { kid, alg } = decoded(header);
  const key = createPublicKey({ key: await publicKey(kid), format: 'jwk' });
  const isGood = verify(
    'sha256',
    Buffer.from(`${header}.${claims}`),
    key,
    Buffer.from(signature, 'base64url'),
  );
  expect({ alg, isGood }).toEqual({ alg: 'RS256', isGood: true });
  return decoded(claims);
}

async function publicKey(kid: unknown): Promise<JsonWebKey> {
  const response = await fetch(`${endpoint}/${UserPoolId}/.well-known/jwks.json`);
  const { keys }: { keys: (JsonWebKey & { kid: string })[] } = JSON.parse(await response.text());
  return present(keys.find((key) => key.kid === kid));
}

function decoded(part: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(part, 'base64url').toString());
}
