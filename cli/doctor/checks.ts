import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import {
  CognitoIdentityProviderClient,
  DescribeUserPoolCommand,
  type PasswordPolicyType,
} from '@aws-sdk/client-cognito-identity-provider';
import { IAMClient, SimulatePrincipalPolicyCommand } from '@aws-sdk/client-iam';
import { GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { DescribeSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { type PasswordPolicy, passwordPolicyText } from '../../contracts/password-policy.ts';
import type { Service } from '../../contracts/services.ts';
import { functionNamed, names } from '../../infra/names.ts';
import { commandLine } from '../command-line.ts';
import { type Connection, type Seen, seen } from '../connect.ts';
import type { Session } from '../session.ts';
import type { App2 } from '../target-environment.ts';
import { type Check, type Finding, ifThere, ok, unseen, wrong } from './finding.ts';
import { keyFinding, serviceChecks, stackOf } from './services.ts';

/** Everything that must be so for provisionings to work, in the order in which it is looked at. */
export async function checksOf(session: Pick<Session, 'connection' | 'clock' | 'propose'>): Promise<Check[]> {
  const { connection, clock } = session;
  const [app1, app2] = await Promise.all([seen(connection.app1), seen(connection.app2)]);
  return [
    deployedCheck('app1', app1),
    ...(app1.there
      ? [
          { service: 'app1' as const, check: 'API', look: () => app1ApiFinding(connection) },
          ...serviceChecks(session, 'app1', app1.value, {
            watch: 'start-roll-back',
            sweep: 'sweep-provisionings',
          }),
          {
            service: 'app1' as const,
            check: 'intake key',
            look: () =>
              keyFinding(connection, names.intakeKeyAlias, 'seals passwords until they are moved to App2'),
          },
          {
            service: 'app1' as const,
            check: 'right to the credentials',
            look: () => rightFinding(connection),
          },
        ]
      : []),
    deployedCheck('app2', app2),
    ...(app2.there
      ? [
          { service: 'app2' as const, check: 'API', look: () => app2ApiFinding(app2.value) },
          ...serviceChecks(session, 'app2', app2.value, {
            watch: 'start-roll-back',
            sweep: 'sweep-user-creations',
          }),
          {
            service: 'app2' as const,
            check: 'cross-service key',
            look: () => keyFinding(connection, app2.value.key_arn, 'seals passwords for App2'),
          },
          { service: 'app2' as const, check: 'user pool', look: () => poolFinding(connection, app2.value) },
          {
            service: 'app2' as const,
            check: 'machine credentials',
            look: () => secretFinding(connection, app2.value, clock.now()),
          },
        ]
      : []),
    ...(app1.there && app2.there
      ? [{ service: 'both' as const, check: 'configuration', look: () => agreement(connection, app2.value) }]
      : []),
  ];
}

function deployedCheck(service: Service, found: Seen<unknown>): Check {
  const look = async (): Promise<Finding> => {
    if (found.there) return ok(`${stackOf[service]} puts out all that is needed`);
    const { code, message, remedy } = found.why;
    return code === 'OUTPUTS_INCOMPLETE' ? wrong(message, remedy) : unseen(message, remedy);
  };
  return { service, check: 'outputs', look };
}

/** A signed question about an id that nobody has: App1's own 404 shows that gateway, signature and function work. */
async function app1ApiFinding(connection: Connection): Promise<Finding> {
  const response = await connection.callApp1('GET', `/create-service-user/${randomUUID()}`);
  const body = await response.text();
  if (response.status === 404 && body.includes('"NOT_FOUND"'))
    return ok('it answers, and takes your signature');
  if (response.status === 403)
    return unseen(
      'it refuses your signature (403)',
      'Have execute-api:Invoke on it given to you; with an API key of your own, name it by --api-key-file.',
    );
  return wrong(
    `it answers ${response.status} to a question about an unknown id, instead of 404`,
    `See the log of ${functionNamed('app1', 'get-provisioning')}: /aws/lambda/${functionNamed('app1', 'get-provisioning')}.`,
  );
}

/** Without a token App2 has to say 401, by its gateway. */
async function app2ApiFinding({ api_url }: App2): Promise<Finding> {
  const { status } = await fetch(`${api_url}/admin/create-user/${randomUUID()}`, {
    signal: AbortSignal.timeout(10_000),
  });
  return status === 401
    ? ok('it answers, and lets nobody in without a token')
    : wrong(
        `it answers ${status} to a request without a token, instead of 401`,
        `See the log of ${functionNamed('app2', 'authorizer')}, and deploy App2 again.`,
      );
}

async function poolFinding(
  connection: Connection,
  { user_pool_id, password_policy }: App2,
): Promise<Finding> {
  const client = connection.client(CognitoIdentityProviderClient);
  const pool = await ifThere(client.send(new DescribeUserPoolCommand({ UserPoolId: user_pool_id })));
  if (pool?.UserPool === undefined)
    return wrong(
      `the pool ${user_pool_id} is not there`,
      'Deploy App2 again: service users have to be made anew.',
    );
  const { Name = '', Policies } = pool.UserPool;
  return isDeepStrictEqual(policyOf(Policies?.PasswordPolicy), password_policy)
    ? ok(`${Name} (${user_pool_id}) is there, with the password policy that App2 puts out`)
    : wrong(
        `the password policy of ${Name} (${user_pool_id}) is not the one that App2 puts out: passwords that App1 takes may be refused, or the other way round`,
        'npx cdk deploy App2 --revert-drift',
      );
}

/** A pool's policy in the words of the contract. docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_PasswordPolicyType.html */
const policyOf = (policy: PasswordPolicyType | undefined) => ({
  minimum_length: policy?.MinimumLength,
  require_lowercase: policy?.RequireLowercase,
  require_uppercase: policy?.RequireUppercase,
  require_numbers: policy?.RequireNumbers,
  require_symbols: policy?.RequireSymbols,
});

/** Whether App1 was told just this policy. */
const isPolicy = (told: string | undefined, policy: PasswordPolicy): boolean => {
  try {
    return isDeepStrictEqual(passwordPolicyText.parse(told), policy);
  } catch {
    return false;
  }
};

const DAY = 24 * 60 * 60_000;

/** Whether App1's credentials are there and rotate. docs.aws.amazon.com/secretsmanager/latest/apireference/API_DescribeSecret.html */
async function secretFinding(
  connection: Connection,
  { credentials_secret_arn }: App2,
  now: number,
): Promise<Finding> {
  const secret = await ifThere(
    connection
      .client(SecretsManagerClient)
      .send(new DescribeSecretCommand({ SecretId: credentials_secret_arn })),
  );
  if (secret === undefined || secret.DeletedDate !== undefined)
    return wrong(
      'the secret is not there: App1 cannot sign in',
      `${commandLine({ command: 'aws secretsmanager restore-secret', options: [['--secret-id', credentials_secret_arn]] })}, or deploy App2 again.`,
    );
  const { RotationEnabled, RotationRules, LastRotatedDate, CreatedDate } = secret;
  const days = RotationRules?.AutomaticallyAfterDays;
  if (RotationEnabled !== true || days === undefined)
    return wrong('the credentials are not rotated', 'Deploy App2 again: its stack sets the rotation up.');
  const age = Math.floor((now - (LastRotatedDate ?? CreatedDate ?? new Date(0)).getTime()) / DAY);
  return age <= days + 1
    ? ok(`rotated or made ${age} days ago, every ${days} days`)
    : wrong(
        `not rotated for ${age} days, though every ${days} days it should be`,
        `See the log of ${functionNamed('app2', 'rotate-machine-user')}, then: ${commandLine({ command: 'aws secretsmanager rotate-secret', options: [['--secret-id', credentials_secret_arn]] })}`,
      );
}

/** What App1 was told of App2 at its deployment. */
async function parametersOf(connection: Connection): Promise<Record<string, string | undefined>> {
  const { Stacks = [] } = await connection
    .client(CloudFormationClient)
    .send(new DescribeStacksCommand({ StackName: stackOf.app1 }));
  return Object.fromEntries(
    (Stacks[0]?.Parameters ?? []).map(({ ParameterKey = '', ParameterValue }) => [
      ParameterKey,
      ParameterValue,
    ]),
  );
}

/** Whether the role of the function that signs in may read the secret, as IAM evaluates its own policies. */
async function rightFinding(connection: Connection): Promise<Finding> {
  const { App2SecretArn } = await parametersOf(connection);
  const FunctionName = functionNamed('app1', 'call-app2');
  const { Role } = await connection
    .client(LambdaClient)
    .send(new GetFunctionConfigurationCommand({ FunctionName }));
  const { EvaluationResults: [result] = [] } = await connection.client(IAMClient).send(
    new SimulatePrincipalPolicyCommand({
      PolicySourceArn: Role,
      ActionNames: ['secretsmanager:GetSecretValue'],
      ResourceArns: [App2SecretArn ?? ''],
    }),
  );
  return result?.EvalDecision === 'allowed'
    ? ok(`${FunctionName} may read them`)
    : wrong(
        `${FunctionName} may not read the secret ${App2SecretArn} (${result?.EvalDecision})`,
        'Deploy App1 again, with App2’s output CredentialsSecretArn as its parameter App2SecretArn.',
      );
}

/** Whether App1 was told what App2 puts out. */
async function agreement(connection: Connection, app2: App2): Promise<Finding> {
  const told = await parametersOf(connection);
  const wanted: [parameter: string, is: string][] = [
    ['App2ClientId', app2.machine_client_id],
    ['App2KeyArn', app2.key_arn],
    ['App2SecretArn', app2.credentials_secret_arn],
    ['App2PasswordPolicy', JSON.stringify(app2.password_policy)],
    ['App2ApiUrl', app2.api_url],
  ];
  const differ = wanted.filter(([parameter, is]) => {
    const one = told[parameter];
    if (parameter === 'App2ApiUrl') return apiIdOf(one) !== apiIdOf(is);
    return parameter === 'App2PasswordPolicy' ? !isPolicy(one, app2.password_policy) : one !== is;
  });
  return differ.length === 0
    ? ok('App1 was told what App2 puts out')
    : wrong(
        `App1 was told something else than App2 puts out: ${differ.map(([parameter]) => parameter).join(', ')}`,
        commandLine({
          command: 'npx cdk deploy App1',
          options: differ.map(([parameter, is]) => ['--parameters', `${parameter}=${is}`]),
        }),
      );
}

/** Which API an address leads to; the address itself where it has a name of its own. */
const apiIdOf = (url = ''): string =>
  /^https:\/\/(\w+)\.execute-api\.|\/restapis\/(\w+)\//.exec(url)?.slice(1).find(Boolean) ??
  url.replace(/\/$/, '');
