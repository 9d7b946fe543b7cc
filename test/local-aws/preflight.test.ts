import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { APIGatewayClient, UpdateAccountCommand } from '@aws-sdk/client-api-gateway';
import {
  CloudFormationClient,
  CreateStackCommand,
  UpdateTerminationProtectionCommand,
} from '@aws-sdk/client-cloudformation';
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  PutResourcePolicyCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { CreateQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { STSClient } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import getPort from 'get-port';
import { identityOf } from '../../cli/clock.ts';
import type { Finding } from '../../cli/preflight/finding.ts';
import type { Plan } from '../../cli/preflight/plan.ts';
import { plansOf, preflight, shouldWork } from '../../cli/preflight/run.ts';
import { synthesize } from '../../cli/preflight/synthesize.ts';
import { formatFindings } from '../../cli/preflight.ts';
import { signedFetch } from '../../cli/signed-fetch.ts';
import type { TargetEnvironment } from '../../cli/target-environment.ts';
import type { Template } from '../../infra/templates.ts';
import { type Emulator, startEmulator } from '../../local/emulator.ts';
import { venv } from '../../local/paths.ts';
import { eventually } from './support/eventually.ts';

/** The preflight with an empty account, and with accounts in which a deployment would fail. */

const empty = mkdtempSync(join(tmpdir(), 'no-profile-'));
const made = synthesize({}, { target: 'app2', home: empty });

let directory: string;
let aws: Emulator;
let where: TargetEnvironment;

/** A separate local AWS without a deployment; each case leaves its seeded faults. */
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'preflight-'));
  aws = await startEmulator({
    python: join(venv, 'bin', 'python'),
    port: await getPort({ host: '127.0.0.1' }),
    directory,
  });
  const { endpoint, region, accessKeyId, secretAccessKey } = aws;
  const credentials = { accessKeyId, secretAccessKey };
  where = {
    displayName: 'a local AWS',
    local: true,
    client: (Class, over) => new Class({ endpoint, region, credentials, ...over }),
    signedFetch: signedFetch(credentials, region),
    identity: (now) => identityOf(new STSClient({ endpoint, region, credentials }), now),
    app1: () => Promise.reject(new Error('nothing is deployed')),
    targets: async () => [],
    target: () => Promise.reject(new Error('nothing is deployed')),
  };
});
afterAll(async () => {
  await aws.stop();
  rmSync(directory, { recursive: true, force: true });
  rmSync(empty, { recursive: true });
});

const plans = (system = made): Promise<Plan[]> => plansOf(system, { app1: where, target: where });
const runPreflight = async (): Promise<Finding[]> => preflight(await plans());
const about = (all: Finding[], what: string) => all.filter((finding) => finding.what === what);

/** The plan with one template changed. */
async function withTemplates(change: (template: Template) => Template): Promise<Plan[]> {
  const stacks = made.stacks.map((stack) => ({ ...stack, template: change(stack.template) }));
  return plans({ ...made, stacks });
}

describe('the preflight', () => {
  it('reports a missing bootstrap stack in an empty account with its remedy', async () => {
    const all = await runPreflight();

    expect(shouldWork(all)).toBe(false);
    expect(all.filter(({ verdict }) => verdict === 'missing')).toEqual([
      {
        what: 'bootstrap stack of the CDK',
        found: 'no parameter /cdk-bootstrap/hnb659fds/version',
        needed: 'version 6 or later',
        verdict: 'missing',
        remedy: 'npx cdk bootstrap',
      },
    ]);
  });

  it('reports nothing missing after the bootstrap, and what the local AWS does not support', async () => {
    await where
      .client(SSMClient)
      .send(
        new PutParameterCommand({ Name: '/cdk-bootstrap/hnb659fds/version', Value: '30', Type: 'String' }),
      );
    const all = await runPreflight();
    const unchecked = all.filter(({ verdict }) => verdict === 'unchecked');

    expect(all.filter(({ verdict }) => verdict === 'missing')).toEqual([]);
    expect(shouldWork(all)).toBe(true);
    expect(unchecked).toEqual(
      ['policies', 'quotas', 'features of the region'].map((what) => ({
        what,
        found: 'the local AWS does not implement it',
        needed: '',
        verdict: 'unchecked',
        remedy: 'Run it against AWS.',
      })),
    );
    expect(all.map(({ what }) => what)).toEqual([
      'accounts and regions',
      'bootstrap stack of the CDK',
      'stack App1',
      'stack App2',
      'names of App1',
      'names of App2',
      ...[
        'ProvisionServiceUser',
        'RollBackProvisioning',
        'app2-CreateServiceUser',
        'app2-RollBackServiceUser',
      ].map((machine) => `definition of ${machine}`),
      'policies',
      'log resource policies',
      "API Gateway's log role",
      'quotas',
      'features of the region',
    ]);
    expect(formatFindings(all)).toContain(
      '0 missing, 0 to note, 3 not checked. A deployment should succeed.',
    );
  });

  it('finds a definition that AWS would reject', async () => {
    const changed = await withTemplates((template) =>
      JSON.parse(
        JSON.stringify(template).replaceAll('$states.context.Execution.Input.username', '$states.)'),
      ),
    );
    const all = await preflight(changed);

    expect(all.filter(({ verdict }) => verdict === 'missing')).toEqual(
      [
        'ProvisionServiceUser',
        'RollBackProvisioning',
        'app2-CreateServiceUser',
        'app2-RollBackServiceUser',
      ].map((name) =>
        expect.objectContaining({
          what: `definition of ${name}`,
          found: expect.stringMatching(/^[A-Z_]+ /),
        }),
      ),
    );
  });

  it('finds existing names, also of a secret that is scheduled for deletion', async () => {
    const SecretId = 'app2-api-client-credentials';
    await where.client(SQSClient).send(new CreateQueueCommand({ QueueName: 'app1-dead-letter-queue' }));
    await where
      .client(CloudWatchLogsClient)
      .send(new CreateLogGroupCommand({ logGroupName: '/aws/lambda/app2-create-user' }));
    const secrets = where.client(SecretsManagerClient);
    await secrets.send(new CreateSecretCommand({ Name: SecretId, SecretString: '{}' }));
    await secrets.send(new DeleteSecretCommand({ SecretId, RecoveryWindowInDays: 7 }));
    const taken = (await runPreflight()).filter(({ verdict }) => verdict === 'missing');

    expect(taken.map(({ what, found }) => `${what}: ${found}`).sort()).toEqual([
      'name /aws/lambda/app2-create-user: in use by another AWS::Logs::LogGroup',
      'name app1-dead-letter-queue: in use by another AWS::SQS::Queue',
      'name app2-api-client-credentials: in use by another AWS::SecretsManager::Secret',
    ]);
    expect(taken[0]?.remedy).toContain('aws ');
  });

  it('finds too many log resource policies', async () => {
    const logs = where.client(CloudWatchLogsClient);
    for (let n = 0; n < 10; n += 1)
      await logs.send(
        new PutResourcePolicyCommand({
          policyName: `other-${n}`,
          policyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [] }),
        }),
      );

    expect(about(await runPreflight(), 'log resource policies')).toMatchObject([
      { verdict: 'missing', found: expect.stringMatching(/^10 of 10 used: other-0, /), needed: '1 more' },
    ]);
  });

  it('reports the log role of API Gateway that a deployment replaces', async () => {
    const role = 'arn:aws:iam::123456789012:role/other';
    await where.client(APIGatewayClient).send(
      new UpdateAccountCommand({
        patchOperations: [{ op: 'replace', path: '/cloudwatchRoleArn', value: role }],
      }),
    );

    expect(about(await runPreflight(), "API Gateway's log role")).toMatchObject([
      { verdict: 'note', found: role },
    ]);
  });

  it('finds a stack whose first deployment failed', async () => {
    const broken = { Type: 'AWS::Cognito::UserPoolClient', Properties: { UserPoolId: 'us-east-1_Nothing' } };
    await where.client(CloudFormationClient).send(
      new CreateStackCommand({
        StackName: 'App2',
        TemplateBody: JSON.stringify({ Resources: { Client: broken } }),
      }),
    );

    await where
      .client(CloudFormationClient)
      .send(new UpdateTerminationProtectionCommand({ StackName: 'App2', EnableTerminationProtection: true }));

    await eventually(async () =>
      expect(about(await runPreflight(), 'stack App2')).toMatchObject([
        {
          verdict: 'missing',
          found: 'ROLLBACK_COMPLETE, protected',
          remedy: expect.stringContaining('--no-enable-termination-protection --stack-name App2'),
        },
      ]),
    );
  });

  it("requires the setting with App1's account, if there are two", async () => {
    const [plan] = await plans();
    if (plan === undefined) throw new Error('There is no plan.');
    const one = (name: string, account: string, consumer: string | undefined): Plan => ({
      ...plan,
      target: { ...plan.target, consumer },
      environment: { ...plan.environment, account },
      stacks: plan.stacks.filter((stack) => stack.name === name),
    });
    const two = (consumer: string | undefined) => [
      one('App1', '111122223333', consumer),
      one('App2', '444455556666', consumer),
    ];

    const [bare, both] = await Promise.all([two(undefined), two('111122223333')].map(preflight));

    expect(bare?.[0]).toMatchObject({
      verdict: 'missing',
      remedy: '-c app1_account=111122223333',
    });
    expect(both?.[0]).toMatchObject({ verdict: 'ok' });
  });
});
