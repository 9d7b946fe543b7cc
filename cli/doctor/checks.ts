import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import {
  CognitoIdentityProviderClient,
  DescribeUserPoolCommand,
  type PasswordPolicyType,
} from '@aws-sdk/client-cognito-identity-provider';
import { IAMClient, SimulatePrincipalPolicyCommand } from '@aws-sdk/client-iam';
import { GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { DescribeSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { APP1 } from '../../contracts/services.ts';
import {
  parameterOf,
  type Target as RegisteredFields,
  type RegisteredTarget,
  type TargetState,
  targetFields,
  targetString,
} from '../../contracts/targets.ts';
import { app1Names, functionNamed } from '../../infra/names.ts';
import { commandLine } from '../command-line.ts';
import type { Connection, ReadResult } from '../connect.ts';
import { type FoundService, findServices } from '../services.ts';
import type { Session } from '../session.ts';
import type { App1, Target } from '../target-environment.ts';
import { type Check, type Finding, failed, ifFound, ok, unchecked, warning } from './finding.ts';
import { keyFinding, serviceChecks } from './services.ts';

type CheckSession = Pick<Session, 'connection' | 'clock' | 'propose'>;

/** The checks of all services, in the order in which they run. */
export async function listChecks(session: CheckSession): Promise<Check[]> {
  const { app1, targets } = await findServices(session.connection);
  const registered = app1.outputs.isAvailable ? app1.outputs.value.targets : undefined;
  return [
    outputsCheck(app1),
    ...(app1.outputs.isAvailable ? app1Checks(session, app1.outputs.value) : []),
    ...targets.flatMap((target) => [
      outputsCheck(target),
      ...(target.outputs.isAvailable ? targetChecks(session, target.name, target.outputs.value) : []),
      ...(registered === undefined ? [] : registrationChecks(session, target, registered)),
    ]),
  ];
}

/** The checks of App1's access to a target. They need App1's registry only; outputs of the target are compared with it. */
function registrationChecks(
  { connection }: CheckSession,
  { name, outputs }: FoundService<Target>,
  registry: readonly RegisteredTarget[],
): Check[] {
  const registered = registry.find((target) => target.name === name);
  const check = (what: string, run: () => Promise<Finding>): Check => ({ service: name, check: what, run });
  if (registered?.target === undefined)
    return [check('registration', async () => unregisteredFinding(name, outputs))];
  const line = registered.target;
  const parsed = targetString.parse(line);
  return [
    ...(outputs.isAvailable
      ? [check('registration', async () => registrationFinding(registered.state, parsed, outputs.value))]
      : [check('API', () => targetApiFinding(name, parsed.api_url))]),
    check("App1's permission", () => permissionFinding(connection, parsed)),
  ];
}

function outputsCheck({ name, outputs }: FoundService): Check {
  const run = async (): Promise<Finding> => {
    if (outputs.isAvailable) return ok(`${outputs.value.stack_name} has all outputs`);
    const { code, message, remedy } = outputs.error;
    return code === 'OUTPUTS_INCOMPLETE' ? failed(message, remedy) : unchecked(message, remedy);
  };
  return { service: name, check: 'outputs', run };
}

function app1Checks(session: CheckSession, app1: App1): Check[] {
  const { connection } = session;
  const check = (name: string, run: () => Promise<Finding>): Check => ({ service: APP1, check: name, run });
  return [
    check('API', () => app1ApiFinding(connection)),
    ...serviceChecks(session, APP1, app1, { startRollBack: 'start-roll-back', sweep: 'sweep-provisionings' }),
    check('intake key', () => keyFinding(connection, app1Names.intakeKeyAlias, 'encrypts passwords at App1')),
  ];
}

function targetChecks(session: CheckSession, service: string, target: Target): Check[] {
  const { connection, clock } = session;
  const check = (name: string, run: () => Promise<Finding>): Check => ({ service, check: name, run });
  return [
    check('API', () => targetApiFinding(service, target.api_url)),
    ...serviceChecks(session, service, target, {
      startRollBack: 'start-roll-back',
      sweep: 'sweep-user-creations',
    }),
    check('cross-service key', () =>
      keyFinding(connection, target.key_arn, `encrypts passwords for ${service}`),
    ),
    check('user pool', () => poolFinding(connection, service, target)),
    check('machine credentials', () => secretFinding(connection, service, target, clock.now())),
  ];
}

/** A signed request for an unknown id: App1's 404 shows that the gateway, the signature and the function work. */
async function app1ApiFinding(connection: Connection): Promise<Finding> {
  const response = await connection.callApp1('GET', `/create-service-user/${randomUUID()}`);
  const body = await response.text();
  if (response.status === 404 && body.includes('"NOT_FOUND"'))
    return ok('it responds, and accepts your signature');
  if (response.status === 403)
    return unchecked(
      'it rejects your signature (403)',
      'Have execute-api:Invoke granted to you. If App1 requires an API key, use --api-key-file.',
    );
  return failed(
    `it responds with ${response.status} for an unknown id, instead of 404`,
    `See the log of ${functionNamed('app1', 'get-provisioning')}: /aws/lambda/${functionNamed('app1', 'get-provisioning')}.`,
  );
}

/** A request without a token: the target's gateway has to respond with 401. */
async function targetApiFinding(service: string, apiUrl: string): Promise<Finding> {
  const { status } = await fetch(`${apiUrl.replace(/\/$/, '')}/admin/create-user/${randomUUID()}`, {
    signal: AbortSignal.timeout(10_000),
  });
  return status === 401
    ? ok('it responds, and rejects requests without a token')
    : failed(
        `it responds with ${status} to a request without a token, instead of 401`,
        `See the log of ${functionNamed(service, 'authorizer')}, and deploy ${service} again.`,
      );
}

async function poolFinding(
  connection: Connection,
  service: string,
  { stack_name, user_pool_id, password_policy }: Target,
): Promise<Finding> {
  const client = connection.client(CognitoIdentityProviderClient);
  const pool = await ifFound(client.send(new DescribeUserPoolCommand({ UserPoolId: user_pool_id })));
  if (pool?.UserPool === undefined)
    return failed(
      `the pool ${user_pool_id} does not exist`,
      `Deploy ${stack_name} again; service users have to be created again.`,
    );
  const { Name = '', Policies } = pool.UserPool;
  return isDeepStrictEqual(policyOf(Policies?.PasswordPolicy), password_policy)
    ? ok(`${Name} (${user_pool_id}) exists, with the password policy in the outputs of ${stack_name}`)
    : failed(
        `the password policy of ${Name} (${user_pool_id}) differs from the one in the outputs of ${stack_name}: ${service} may reject passwords that App1 accepts, or the reverse`,
        `npx cdk deploy ${stack_name} --revert-drift`,
      );
}

/** Maps a pool's policy to the contract. docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_PasswordPolicyType.html */
const policyOf = (policy: PasswordPolicyType | undefined) => ({
  minimum_length: policy?.MinimumLength,
  require_lowercase: policy?.RequireLowercase,
  require_uppercase: policy?.RequireUppercase,
  require_numbers: policy?.RequireNumbers,
  require_symbols: policy?.RequireSymbols,
});

const DAY = 24 * 60 * 60_000;

/** Whether App1's credentials exist and are rotated. docs.aws.amazon.com/secretsmanager/latest/apireference/API_DescribeSecret.html */
async function secretFinding(
  connection: Connection,
  service: string,
  { credentials_secret_arn, stack_name }: Target,
  now: number,
): Promise<Finding> {
  const secret = await ifFound(
    connection
      .client(SecretsManagerClient)
      .send(new DescribeSecretCommand({ SecretId: credentials_secret_arn })),
  );
  if (secret === undefined || secret.DeletedDate !== undefined)
    return failed(
      'the secret does not exist: App1 cannot sign in',
      `${commandLine({ command: 'aws secretsmanager restore-secret', options: [['--secret-id', credentials_secret_arn]] })}, or deploy ${stack_name} again.`,
    );
  const { RotationEnabled, RotationRules, LastRotatedDate, CreatedDate } = secret;
  const days = RotationRules?.AutomaticallyAfterDays;
  if (RotationEnabled !== true || days === undefined)
    return failed('the credentials are not rotated', `Deploy ${stack_name} again: it sets the rotation up.`);
  const age = Math.floor((now - (LastRotatedDate ?? CreatedDate ?? new Date(0)).getTime()) / DAY);
  return age <= days + 1
    ? ok(`rotated or created ${age} days ago; rotation is every ${days} days`)
    : failed(
        `not rotated for ${age} days; rotation is every ${days} days`,
        `See the log of ${functionNamed(service, 'rotate-machine-user')}, then: ${commandLine({ command: 'aws secretsmanager rotate-secret', options: [['--secret-id', credentials_secret_arn]] })}`,
      );
}

/** Whether the role of the function that signs in is allowed to read the secret, by IAM's policy simulator. */
async function permissionFinding(
  connection: Connection,
  { name, secret_arn }: RegisteredFields,
): Promise<Finding> {
  const FunctionName = functionNamed(APP1, 'call-target');
  const { Role } = await connection
    .client(LambdaClient)
    .send(new GetFunctionConfigurationCommand({ FunctionName }));
  const { EvaluationResults: [result] = [] } = await connection.client(IAMClient).send(
    new SimulatePrincipalPolicyCommand({
      PolicySourceArn: Role,
      ActionNames: ['secretsmanager:GetSecretValue'],
      ResourceArns: [secret_arn],
    }),
  );
  return result?.EvalDecision === 'allowed'
    ? ok(`${FunctionName} is allowed to read the credentials of ${name}`)
    : failed(
        `${FunctionName} is not allowed to read the secret ${secret_arn} (${result?.EvalDecision})`,
        `Deploy App1 again, with the output Target of ${name} as its parameter ${parameterOf(name)}.`,
      );
}

/** A target that is deployed here, and that App1 has not registered, or has registered as gone. */
const unregisteredFinding = (name: string, outputs: ReadResult<Target>): Finding =>
  warning(
    'App1 has not registered it: App1 sends it no requests',
    `Add ${name} to the setting targets, then: ${deployCommand(name, outputs.isAvailable ? outputs.value.target : 'TARGET')}`,
  );

/** Whether App1 has registered what the target hands over. */
function registrationFinding(
  state: TargetState,
  registered: RegisteredFields,
  { target: line }: Target,
): Finding {
  const handedOver = targetString.parse(line);
  const differences = targetFields.filter((field) =>
    field === 'api_url'
      ? apiIdIn(registered.api_url) !== apiIdIn(handedOver.api_url)
      : !isDeepStrictEqual(registered[field], handedOver[field]),
  );
  return differences.length === 0
    ? ok(`App1 has registered it as ${state}, with the values of its output Target`)
    : failed(
        `App1 has registered other values than those of its output Target: ${differences.join(', ')}`,
        deployCommand(handedOver.name, line),
      );
}

const deployCommand = (name: string, line: string): string =>
  commandLine({
    command: 'npx cdk deploy App1',
    options: [['--parameters', `${parameterOf(name)}=${line}`]],
  });

/** The id of the API in a URL; the URL itself when the API has a custom domain name. */
const apiIdIn = (url: string): string =>
  /^https?:\/\/(\w+)\.execute-api\.|\/restapis\/(\w+)\//.exec(url)?.slice(1).find(Boolean) ??
  url.replace(/\/$/, '');
