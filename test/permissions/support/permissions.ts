import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import {
  GetRoleCommand,
  GetRolePolicyCommand,
  IAMClient,
  ListRolePoliciesCommand,
  PutRolePolicyCommand,
  UpdateAssumeRolePolicyCommand,
} from '@aws-sdk/client-iam';
import { DecryptCommand, EncryptCommand, KMSClient, ReEncryptCommand } from '@aws-sdk/client-kms';
import { GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { DescribeStateMachineCommand } from '@aws-sdk/client-sfn';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import * as z from 'zod';
import { sourceOf } from '../../../contracts/events/catalogue.ts';
import { workflowNameOf } from '../../../contracts/services.ts';
import { parameterOf } from '../../../contracts/targets.ts';
import { type Template, templates } from '../../../infra/templates.ts';
import type { Machine } from '../../../local/system.ts';
import { configuration, outputs, system } from '../../e2e/support/deployed.ts';
import { resources } from '../../support/resources.ts';
import { machineArn } from './machines.ts';
import { type TargetName, targetNames, targets } from './targets.ts';

/** Permissions of the synthesized templates, each of which can be removed alone. */

/** A function or state machine whose role has the permissions. */
export type Principal = { function: string } | { machine: Machine };

/** One action, resource or condition of one statement. */
export interface Permission {
  principal: Principal;
  /** Index of the statement in the only policy of the principal's role. */
  statement: number;
  part: 'action' | 'resource' | 'condition';
  /** Index of the part in the statement. */
  index: number;
  /** The action itself; for a resource or a condition the first action of the statement. */
  action: string;
  /** The target to which the permission gives App1 access; `undefined` for every other permission. */
  target: TargetName | undefined;
  title: string;
}

const oneOrMore = z.union([z.string().transform((value) => [value]), z.array(z.string())]);
const statement = z.looseObject({
  Action: oneOrMore,
  Resource: z.union([z.array(z.unknown()), z.unknown().transform((value) => [value])]),
  Condition: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
});
const document = z.looseObject({ Statement: z.array(statement) });
type Document = z.infer<typeof document>;

const policy = z.looseObject({
  PolicyDocument: document,
  Roles: z.array(z.looseObject({ Ref: z.string() })),
});
const owner = z.looseObject({
  FunctionName: z.string().optional(),
  StateMachineName: z
    .string()
    .transform(workflowNameOf)
    .pipe(
      z.enum(['ProvisionServiceUser', 'RollBackProvisioning', 'CreateServiceUser', 'RollBackServiceUser']),
    )
    .optional(),
});

/**
 * Every permission of every role of App1 and App2, from the templates. Those of a further target are the same
 * (test/infra/isolation.test.ts).
 */
export function allPermissions(): Permission[] {
  const { app1, app2 } = templates({ environment: 'local', targets: targetNames.join() });
  return [app1, app2].flatMap((template) =>
    resources(template, 'AWS::IAM::Policy').flatMap(([id, { Properties }]) => {
      const { PolicyDocument, Roles } = policy.parse(Properties);
      return Roles.flatMap(({ Ref }) => permissionsOf(principalOf(template, Ref, id), PolicyDocument));
    }),
  );
}

/** The function or state machine that has the role of this logical id. @throws Error if there is none */
function principalOf(template: Template, role: string, policyId: string): Principal {
  for (const type of ['AWS::Lambda::Function', 'AWS::StepFunctions::StateMachine'])
    for (const [, { Properties }] of resources(template, type)) {
      if (!JSON.stringify(Properties).includes(`{"Fn::GetAtt":["${role}","Arn"]}`)) continue;
      const { FunctionName, StateMachineName } = owner.parse(Properties);
      if (FunctionName !== undefined) return { function: FunctionName };
      if (StateMachineName !== undefined) return { machine: StateMachineName };
    }
  throw new Error(`The policy ${policyId} belongs to a role that no function and no state machine has.`);
}

function permissionsOf(principal: Principal, { Statement }: Document): Permission[] {
  const name = 'function' in principal ? principal.function : principal.machine;
  return Statement.flatMap(({ Action, Resource, Condition = {} }, statementIndex) => {
    const permission = (
      part: Permission['part'],
      index: number,
      action: string,
      description: string,
      of: unknown = Resource,
    ): Permission => ({
      principal,
      statement: statementIndex,
      part,
      index,
      action,
      target: targetOf(of),
      title: `${name}: ${description}${part !== 'resource' && targetOf(of) !== undefined ? ` at ${targetOf(of)}` : ''}`,
    });
    const [first = ''] = Action;
    return [
      ...Action.map((action, index) => permission('action', index, action, action)),
      ...(Resource.length > 1
        ? Resource.map((resource, index) =>
            permission('resource', index, first, `${first} on ${nameOf(resource)}`, resource),
          )
        : []),
      ...Object.values(Condition)
        .flatMap((keys) => Object.keys(keys))
        .map((key, index) => permission('condition', index, first, `${first} only if ${key}`)),
    ];
  });
}

/** The target whose parameter a value contains; `undefined` for none or several. */
function targetOf(value: unknown): TargetName | undefined {
  const text = JSON.stringify(value);
  const [target, ...others] = targetNames.filter((name) => text.includes(`{"Ref":"${parameterOf(name)}"}`));
  return others.length === 0 ? target : undefined;
}

/** A short name of a resource of a template. */
function nameOf(resource: unknown): string {
  const text = JSON.stringify(resource);
  const target = targetOf(resource);
  if (target !== undefined) return `the resource of ${target}`;
  return /(?:stateMachine|execution):[\w:*]+/.exec(text)?.[0] ?? /"(\w+)","Arn"/.exec(text)?.[1] ?? text;
}

const iam = new IAMClient(configuration);
const lambda = new LambdaClient(configuration);

async function roleOf(principal: Principal): Promise<string> {
  const arn =
    'function' in principal
      ? (await lambda.send(new GetFunctionConfigurationCommand({ FunctionName: principal.function }))).Role
      : (
          await system.clients.stepFunctions.send(
            new DescribeStateMachineCommand({ stateMachineArn: machineArn(principal.machine) }),
          )
        ).roleArn;
  if (arn === undefined) throw new Error(`${JSON.stringify(principal)} has no role.`);
  return arn;
}

/** Runs a function while a permission is removed. */
export async function withoutPermission<Result>(
  permission: Permission,
  run: () => Promise<Result>,
): Promise<Result> {
  const RoleName = (await roleOf(permission.principal)).split('/').at(-1);
  const { PolicyNames: [PolicyName, ...others] = [] } = await iam.send(
    new ListRolePoliciesCommand({ RoleName }),
  );
  if (PolicyName === undefined || others.length > 0)
    throw new Error(`The role of ${permission.title} does not have exactly one policy.`);
  const rolePolicy = { RoleName, PolicyName };
  const { PolicyDocument = '' } = await iam.send(new GetRolePolicyCommand(rolePolicy));
  const original = document.parse(JSON.parse(decodeURIComponent(PolicyDocument)));
  const put = (content: Document) =>
    iam.send(new PutRolePolicyCommand({ ...rolePolicy, PolicyDocument: JSON.stringify(content) }));
  await put(removePermission(original, permission));
  try {
    return await run();
  } finally {
    await put(original);
  }
}

function removePermission(original: Document, { statement: changed, part, index }: Permission): Document {
  const reduce = (content: Document['Statement'][number]) => {
    const { Condition, ...rest } = content;
    if (part === 'condition') return [rest];
    const Action = part === 'action' ? content.Action.filter((_, n) => n !== index) : content.Action;
    const Resource = part === 'resource' ? content.Resource.filter((_, n) => n !== index) : content.Resource;
    return Action.length === 0 ? [] : [{ ...content, Action, Resource }];
  };
  return {
    ...original,
    Statement: original.Statement.flatMap((content, n) => (n === changed ? reduce(content) : [content])),
  };
}

/**
 * Attempts an action that violates the condition, with the principal's own permissions: with a password that is encrypted
 * for another service, or with an event of another source or type.
 * @throws Error if AWS allows it
 */
export async function expectConditionHolds({ principal, action, target }: Permission): Promise<void> {
  const credentials = await credentialsOf(await roleOf(principal));
  if (action === 'events:PutEvents') return expectOwnEventsOnly(principal, credentials);
  const kms = new KMSClient({ ...configuration, credentials });
  const attempt = violations[action];
  if (attempt === undefined) throw new Error(`No attempt violates the condition of ${action}.`);
  const own = 'function' in principal ? destinations[principal.function] : undefined;
  const destination = target === undefined ? (own ?? destinationAt('app2')) : destinationAt(target);
  const isDenied = await isAccessDenied(
    action === 'kms:Decrypt' && target !== undefined
      ? decryptWithoutSecretsManager(kms, target)
      : attempt(kms, destination),
  );
  if (!isDenied) throw new Error(`${action} is allowed although it violates the condition.`);
}

/** Publishes events of other sources and types on the bus of the principal's service. @throws Error if AWS allows it */
async function expectOwnEventsOnly(
  principal: Principal,
  credentials: Awaited<ReturnType<typeof credentialsOf>>,
): Promise<void> {
  const client = new EventBridgeClient({ ...configuration, credentials });
  const name = 'function' in principal ? principal.function : principal.machine;
  const service = /^app1-|^(ProvisionServiceUser|RollBackProvisioning)$/.test(name) ? 'app1' : 'app2';
  const { event_bus_name: EventBusName } = outputs[service];
  const entry = { EventBusName, Detail: '{"forged":true}' };
  const own = sourceOf(service);
  for (const Entries of [
    ...['app1', ...targetNames]
      .filter((other) => other !== service)
      .map((other) => [{ ...entry, Source: sourceOf(other), DetailType: 'ServiceUserCreated' }]),
    [{ ...entry, Source: own, DetailType: 'Forged' }],
    [{ ...entry, Source: 'app2.forged', DetailType: 'ServiceUserCreated' }],
  ]) {
    if (!(await isAccessDenied(client.send(new PutEventsCommand({ Entries })))))
      throw new Error('events:PutEvents is allowed although it violates the condition.');
  }
}

const SECRET = Buffer.from('a password of another service');
const INTAKE_KEY = 'alias/app1-intake-key';
const contextFor = (target: string) => ({ provisioning_id: 'p', username: 'u', target });

/** Encrypts the secret with the credentials of an administrator. */
async function encrypt(KeyId: string, target: string): Promise<Uint8Array | undefined> {
  const { CiphertextBlob } = await new KMSClient(configuration).send(
    new EncryptCommand({ KeyId, Plaintext: SECRET, EncryptionContext: contextFor(target) }),
  );
  return CiphertextBlob;
}

/** The key under which a function encrypts passwords, and the target in their encryption context. */
interface Destination {
  key: string;
  target: string;
}
const destinationAt = (target: TargetName): Destination => ({ key: targets[target].key_arn, target });
const destinations: Record<string, Destination> = {
  'app1-call-target': { key: INTAKE_KEY, target: 'task-token' },
  'app1-retry-provisioning': { key: INTAKE_KEY, target: 'app1' },
};

const reEncrypt = async (kms: KMSClient, from: string, to: Destination) =>
  kms.send(
    new ReEncryptCommand({
      SourceKeyId: INTAKE_KEY,
      CiphertextBlob: await encrypt(INTAKE_KEY, from),
      SourceEncryptionContext: contextFor(from),
      DestinationKeyId: to.key,
      DestinationEncryptionContext: contextFor(to.target),
    }),
  );

/** Attempts that violate a condition, by action: with a password that is not encrypted for the service. */
const violations: Record<string, (kms: KMSClient, own: Destination) => Promise<unknown>> = {
  'kms:Encrypt': (kms) =>
    kms.send(
      new EncryptCommand({ KeyId: INTAKE_KEY, Plaintext: SECRET, EncryptionContext: contextFor('another') }),
    ),
  'kms:Decrypt': async (kms, { key }) =>
    kms.send(
      new DecryptCommand({
        KeyId: key,
        CiphertextBlob: await encrypt(key, 'another'),
        EncryptionContext: contextFor('another'),
      }),
    ),
  'kms:ReEncryptFrom': (kms, own) => reEncrypt(kms, 'another', own),
  'kms:ReEncryptTo': (kms, own) => reEncrypt(kms, 'app1', { ...own, target: 'another' }),
};

/** Decrypts directly what Secrets Manager has encrypted under a key of the target's account. */
async function decryptWithoutSecretsManager(kms: KMSClient, target: TargetName): Promise<unknown> {
  const { key_arn: KeyId, credentials_secret_arn: SecretARN } = targets[target];
  const EncryptionContext = { SecretARN };
  const { CiphertextBlob } = await new KMSClient(configuration).send(
    new EncryptCommand({ KeyId, Plaintext: SECRET, EncryptionContext }),
  );
  return kms.send(new DecryptCommand({ KeyId, CiphertextBlob, EncryptionContext }));
}

/** Whether a request is denied. @throws other errors */
const isAccessDenied = (request: Promise<unknown>): Promise<boolean> =>
  request.then(
    () => false,
    (error: unknown) => {
      if (error instanceof Error && error.name === 'AccessDeniedException') return true;
      throw error;
    },
  );

/** Credentials of a role, which trusts the root of the account for this call only. */
export async function credentialsOf(roleArn: string) {
  const RoleName = roleArn.split('/').at(-1);
  const { Role } = await iam.send(new GetRoleCommand({ RoleName }));
  const trust = decodeURIComponent(Role?.AssumeRolePolicyDocument ?? '');
  const root = `arn:aws:iam::${outputs.account}:root`;
  const trustRoot = {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: { AWS: root }, Action: 'sts:AssumeRole' }],
  };
  const setTrust = (PolicyDocument: string) =>
    iam.send(new UpdateAssumeRolePolicyCommand({ RoleName, PolicyDocument }));
  await setTrust(JSON.stringify(trustRoot));
  try {
    const { Credentials } = await new STSClient(configuration).send(
      new AssumeRoleCommand({ RoleArn: roleArn, RoleSessionName: 'condition-test' }),
    );
    return {
      accessKeyId: Credentials?.AccessKeyId ?? '',
      secretAccessKey: Credentials?.SecretAccessKey ?? '',
      sessionToken: Credentials?.SessionToken ?? '',
    };
  } finally {
    await setTrust(trust);
  }
}
