import {
  CloudFormationClient,
  CreateStackCommand,
  DeleteStackCommand,
  DescribeStackEventsCommand,
  DescribeStacksCommand,
  ListStacksCommand,
  UpdateStackCommand,
} from '@aws-sdk/client-cloudformation';
import { type Credentials, client, root } from './clients.ts';
import { eventually } from './eventually.ts';
import { present } from './present.ts';
import { unique } from './unique.ts';

/** Stacks of the account of these credentials. */
const cloudFormationOf = (credentials: Credentials) => client(CloudFormationClient, credentials);
const cloudFormation = cloudFormationOf(root);

export interface Template {
  Parameters?: Record<string, { Type: 'String'; Default?: string }>;
  Resources: Record<string, { Type: string; Properties?: object; [attribute: string]: unknown }>;
  Outputs?: Record<string, { Value: unknown }>;
}

export interface Stack {
  name: string;
  outputs: Record<string, string>;
}

/** Creates a stack, by default in the account of this suite, and waits until it is complete. */
export async function createStack(template: Template, credentials = root): Promise<Stack> {
  const StackName = unique('stack');
  await cloudFormationOf(credentials).send(new CreateStackCommand({ StackName, ...body(template) }));
  return waitForStatus(StackName, 'CREATE_COMPLETE', credentials);
}

export async function updateStack({ name }: Stack, template: Template): Promise<Stack> {
  await cloudFormation.send(new UpdateStackCommand({ StackName: name, ...body(template) }));
  return waitForStatus(name, 'UPDATE_COMPLETE');
}

/** Deletes a stack; retained resources remain. */
export async function deleteStack({ name }: Stack): Promise<void> {
  await cloudFormation.send(new DeleteStackCommand({ StackName: name }));
  await eventually(async () => {
    const { StackSummaries = [] } = await cloudFormation.send(
      new ListStacksCommand({ StackStatusFilter: ['DELETE_COMPLETE'] }),
    );
    if (!StackSummaries.some(({ StackName }) => StackName === name))
      throw new Error(`${name} is still there`);
  });
}

function body(template: Template) {
  return { TemplateBody: JSON.stringify(template), Capabilities: ['CAPABILITY_NAMED_IAM' as const] };
}

/** Creates a stack with these resources and a last one that fails. Returns the result of the creation. */
export async function createStackThatFails(
  resources: Template['Resources'],
): Promise<{ name: string; status: string }> {
  const name = unique('stack');
  const bus = { Type: 'AWS::Events::EventBus', Properties: { Name: unique('bus') } };
  const Failing = { ...bus, DependsOn: [...Object.keys(resources), 'Bus'] };
  await cloudFormation.send(
    new CreateStackCommand({ StackName: name, ...body({ Resources: { ...resources, Bus: bus, Failing } }) }),
  );
  return { name, status: present((await ended(name)).StackStatus) };
}

const ended = (name: string, credentials = root) =>
  eventually(async () => {
    const { Stacks } = await cloudFormationOf(credentials).send(
      new DescribeStacksCommand({ StackName: name }),
    );
    const found = present(Stacks?.[0]);
    if (/_IN_PROGRESS$/.test(present(found.StackStatus))) throw new Error(`${name} is ${found.StackStatus}`);
    return found;
  }, 30_000);

async function waitForStatus(name: string, wanted: string, credentials = root): Promise<Stack> {
  const stack = await ended(name, credentials);
  if (stack.StackStatus !== wanted)
    throw new Error(`${name} is ${stack.StackStatus}: ${await failures(name, credentials)}`);
  const outputs = (stack.Outputs ?? []).map((one) => [one.OutputKey, one.OutputValue]);
  return { name, outputs: Object.fromEntries(outputs) };
}

async function failures(StackName: string, credentials: Credentials): Promise<string> {
  const { StackEvents = [] } = await cloudFormationOf(credentials).send(
    new DescribeStackEventsCommand({ StackName }),
  );
  return StackEvents.filter(({ ResourceStatus }) => /_FAILED$/.test(ResourceStatus ?? ''))
    .map((event) => `${event.LogicalResourceId}: ${event.ResourceStatusReason}`)
    .join('; ');
}
