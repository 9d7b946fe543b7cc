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
import { eventSources } from '../../../contracts/events/catalogue.ts';
import { type Template, templates } from '../../../infra/templates.ts';
import type { Machine } from '../../../local/system.ts';
import { configuration, outputs, system } from '../../e2e/support/deployed.ts';
import { resources } from '../../support/resources.ts';
import { machineArn } from './machines.ts';

/** Permissions as the synthesized templates give them, each of which can be taken away alone. */

export type Bearer = { function: string } | { machine: Machine };

/** One action, resource or condition of one statement. */
export interface Right {
  bearer: Bearer;
  /** Place of the statement in the one policy of the bearer's role. */
  statement: number;
  part: 'action' | 'resource' | 'condition';
  /** Place of the part in the statement. */
  index: number;
  /** The statement's first action, or the action that is the part. */
  action: string;
  title: string;
}

const oneOrMore = z.union([z.string().transform((one) => [one]), z.array(z.string())]);
const statement = z.looseObject({
  Action: oneOrMore,
  Resource: z.union([z.array(z.unknown()), z.unknown().transform((one) => [one])]),
  Condition: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
});
const document = z.looseObject({ Statement: z.array(statement) });
type Document = z.infer<typeof document>;

const policy = z.looseObject({
  PolicyDocument: document,
  Roles: z.array(z.looseObject({ Ref: z.string() })),
});
const bearer = z.looseObject({
  FunctionName: z.string().optional(),
  StateMachineName: z
    .enum(['ProvisionServiceUser', 'RollBackProvisioning', 'CreateServiceUser', 'RollBackServiceUser'])
    .optional(),
});

/** Every right of every role of both services, from the templates. */
export function allRights(): Right[] {
  const { app1, app2 } = templates({ target: 'local' });
  return [app1, app2].flatMap((template) =>
    resources(template, 'AWS::IAM::Policy').flatMap(([id, { Properties }]) => {
      const { PolicyDocument, Roles } = policy.parse(Properties);
      return Roles.flatMap(({ Ref }) => rightsOf(bearerOf(template, Ref, id), PolicyDocument));
    }),
  );
}

/** Who has the role of this logical id. */
function bearerOf(template: Template, role: string, policyId: string): Bearer {
  for (const type of ['AWS::Lambda::Function', 'AWS::StepFunctions::StateMachine'])
    for (const [, { Properties }] of resources(template, type)) {
      if (!JSON.stringify(Properties).includes(`{"Fn::GetAtt":["${role}","Arn"]}`)) continue;
      const { FunctionName, StateMachineName } = bearer.parse(Properties);
      if (FunctionName !== undefined) return { function: FunctionName };
      if (StateMachineName !== undefined) return { machine: StateMachineName };
    }
  throw new Error(`The policy ${policyId} belongs to a role that no function and no machine has.`);
}

function rightsOf(who: Bearer, { Statement }: Document): Right[] {
  const name = 'function' in who ? who.function : who.machine;
  return Statement.flatMap(({ Action, Resource, Condition = {} }, at) => {
    const right = (part: Right['part'], index: number, action: string, what: string): Right => ({
      bearer: who,
      statement: at,
      part,
      index,
      action,
      title: `${name}: ${what}`,
    });
    const [first = ''] = Action;
    return [
      ...Action.map((action, index) => right('action', index, action, action)),
      ...(Resource.length > 1
        ? Resource.map((resource, index) =>
            right('resource', index, first, `${first} on ${nameOf(resource)}`),
          )
        : []),
      ...Object.values(Condition)
        .flatMap((keys) => Object.keys(keys))
        .map((key, index) => right('condition', index, first, `${first} only if ${key}`)),
    ];
  });
}

/** What tells a resource of a template from another one. */
function nameOf(resource: unknown): string {
  const text = JSON.stringify(resource);
  return /(?:stateMachine|execution):[\w:*]+/.exec(text)?.[0] ?? /"(\w+)","Arn"/.exec(text)?.[1] ?? text;
}

const iam = new IAMClient(configuration);
const lambda = new LambdaClient(configuration);

async function roleOf(who: Bearer): Promise<string> {
  const arn =
    'function' in who
      ? (await lambda.send(new GetFunctionConfigurationCommand({ FunctionName: who.function }))).Role
      : (
          await system.clients.stepFunctions.send(
            new DescribeStateMachineCommand({ stateMachineArn: machineArn(who.machine) }),
          )
        ).roleArn;
  if (arn === undefined) throw new Error(`There is no role of ${JSON.stringify(who)}.`);
  return arn;
}

/** Runs something while a right is taken away. */
export async function without<Result>(right: Right, run: () => Promise<Result>): Promise<Result> {
  const RoleName = (await roleOf(right.bearer)).split('/').at(-1);
  const { PolicyNames: [PolicyName, ...others] = [] } = await iam.send(
    new ListRolePoliciesCommand({ RoleName }),
  );
  if (PolicyName === undefined || others.length > 0)
    throw new Error(`The role of ${right.title} has not exactly one policy.`);
  const which = { RoleName, PolicyName };
  const { PolicyDocument = '' } = await iam.send(new GetRolePolicyCommand(which));
  const whole = document.parse(JSON.parse(decodeURIComponent(PolicyDocument)));
  const put = (one: Document) =>
    iam.send(new PutRolePolicyCommand({ ...which, PolicyDocument: JSON.stringify(one) }));
  await put(lessening(whole, right));
  try {
    return await run();
  } finally {
    await put(whole);
  }
}

function lessening(whole: Document, { statement: at, part, index }: Right): Document {
  const less = (one: Document['Statement'][number]) => {
    const { Condition, ...rest } = one;
    if (part === 'condition') return [rest];
    const Action = part === 'action' ? one.Action.filter((_, place) => place !== index) : one.Action;
    const Resource = part === 'resource' ? one.Resource.filter((_, place) => place !== index) : one.Resource;
    return Action.length === 0 ? [] : [{ ...one, Action, Resource }];
  };
  return { ...whole, Statement: whole.Statement.flatMap((one, place) => (place === at ? less(one) : [one])) };
}

/**
 * With the bearer's own permissions: does to what is somebody else's what it may do to its own: to a password that is sealed
 * for another service, or with an event of another source or type.
 * @throws Error when that is allowed
 */
export async function onlyForItsOwn({ bearer: who, action }: Right): Promise<void> {
  const credentials = await credentialsOf(await roleOf(who));
  if (action === 'events:PutEvents') return onlyItsOwnEvents(who, credentials);
  const kms = new KMSClient({ ...configuration, credentials });
  const attempt = meddle[action];
  if (attempt === undefined) throw new Error(`There is no attempt to misuse ${action}.`);
  const own = 'function' in who ? destinations[who.function] : undefined;
  const refused = await attempt(kms, own ?? AT_APP2).then(
    () => false,
    (error: unknown) => {
      if (error instanceof Error && error.name === 'AccessDeniedException') return true;
      throw error;
    },
  );
  if (!refused) throw new Error(`${action} is allowed also for what is not its own.`);
}

/** Publishes what another one tells, on the bus of the bearer's own service. @throws Error when that is allowed */
async function onlyItsOwnEvents(
  who: Bearer,
  credentials: Awaited<ReturnType<typeof credentialsOf>>,
): Promise<void> {
  const client = new EventBridgeClient({ ...configuration, credentials });
  const name = 'function' in who ? who.function : who.machine;
  const service = /^app1-|^(ProvisionServiceUser|RollBackProvisioning)$/.test(name) ? 'app1' : 'app2';
  const { event_bus_name: EventBusName } = outputs[service];
  const entry = { EventBusName, Detail: '{"forged":true}' };
  const own = eventSources[service];
  for (const Entries of [
    [{ ...entry, Source: eventSources[service === 'app1' ? 'app2' : 'app1'], DetailType: 'Forged' }],
    [{ ...entry, Source: own, DetailType: 'Forged' }],
    [{ ...entry, Source: 'app2.forged', DetailType: 'ServiceUserCreated' }],
  ]) {
    const refused = await client.send(new PutEventsCommand({ Entries })).then(
      () => false,
      (error: unknown) => {
        if (error instanceof Error && error.name === 'AccessDeniedException') return true;
        throw error;
      },
    );
    if (!refused) throw new Error('events:PutEvents is allowed also for what is not its own.');
  }
}

const SECRET = Buffer.from('a password of somebody else');
const INTAKE_KEY = 'alias/app1-intake-key';
const sealedFor = (target: string) => ({ provisioning_id: 'p', username: 'u', target });

/** A ciphertext as the root of the account can make it. */
async function sealed(KeyId: string, target: string): Promise<Uint8Array | undefined> {
  const { CiphertextBlob } = await new KMSClient(configuration).send(
    new EncryptCommand({ KeyId, Plaintext: SECRET, EncryptionContext: sealedFor(target) }),
  );
  return CiphertextBlob;
}

/** Where a function moves passwords to: a key, and for whom they are sealed there. */
interface Destination {
  key: string;
  target: string;
}
const AT_APP2: Destination = { key: outputs.app2.key_arn, target: 'app2' };
const destinations: Record<string, Destination> = {
  'app1-call-app2': { key: INTAKE_KEY, target: 'task-token' },
  'app1-encrypt-credentials': AT_APP2,
  'app1-retry-provisioning': { key: INTAKE_KEY, target: 'app1' },
};

const reEncrypt = async (kms: KMSClient, from: string, to: Destination) =>
  kms.send(
    new ReEncryptCommand({
      SourceKeyId: INTAKE_KEY,
      CiphertextBlob: await sealed(INTAKE_KEY, from),
      SourceEncryptionContext: sealedFor(from),
      DestinationKeyId: to.key,
      DestinationEncryptionContext: sealedFor(to.target),
    }),
  );

/** By action: its use for a password that is not sealed for the service. */
const meddle: Record<string, (kms: KMSClient, own: Destination) => Promise<unknown>> = {
  'kms:Encrypt': (kms) =>
    kms.send(
      new EncryptCommand({ KeyId: INTAKE_KEY, Plaintext: SECRET, EncryptionContext: sealedFor('another') }),
    ),
  'kms:Decrypt': async (kms, { key }) =>
    kms.send(
      new DecryptCommand({
        KeyId: key,
        CiphertextBlob: await sealed(key, 'another'),
        EncryptionContext: sealedFor('another'),
      }),
    ),
  'kms:ReEncryptFrom': (kms, own) => reEncrypt(kms, 'another', own),
  'kms:ReEncryptTo': (kms, own) => reEncrypt(kms, 'app1', { ...own, target: 'another' }),
};

/** Credentials with the permissions of a role, which trusts the root of the account for the moment. */
async function credentialsOf(roleArn: string) {
  const RoleName = roleArn.split('/').at(-1);
  const { Role } = await iam.send(new GetRoleCommand({ RoleName }));
  const trust = decodeURIComponent(Role?.AssumeRolePolicyDocument ?? '');
  const root = `arn:aws:iam::${outputs.account}:root`;
  const open = {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: { AWS: root }, Action: 'sts:AssumeRole' }],
  };
  const trustIn = (PolicyDocument: string) =>
    iam.send(new UpdateAssumeRolePolicyCommand({ RoleName, PolicyDocument }));
  await trustIn(JSON.stringify(open));
  try {
    const { Credentials } = await new STSClient(configuration).send(
      new AssumeRoleCommand({ RoleArn: roleArn, RoleSessionName: 'meddler' }),
    );
    return {
      accessKeyId: Credentials?.AccessKeyId ?? '',
      secretAccessKey: Credentials?.SecretAccessKey ?? '',
      sessionToken: Credentials?.SessionToken ?? '',
    };
  } finally {
    await trustIn(trust);
  }
}
