import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import {
  DeleteFunctionConcurrencyCommand,
  LambdaClient,
  PutFunctionConcurrencyCommand,
} from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { root } from '../../../cli/support/paths.ts';
import { withoutPermission } from '../../../local/harness/without-permission.ts';
import { detail, listing } from '../../../trace/model.ts';
import { eventually } from '../../local-aws/support/eventually.ts';
import { open, startBrowser } from '../../trace-page/support/browser.ts';
import { newRequest, outputs, provision, start, waitForCompletion } from '../support/deployed.ts';

/** Starts `npm run trace` as a process; `stop` ends it. */
async function trace(args: string[] = [], environment: Record<string, string> = {}) {
  const child = spawn(process.execPath, [join('cli', 'run.mjs'), 'trace/main.ts', ...args], {
    cwd: root,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (data: Buffer) => {
    output += data.toString();
  });
  const url = await eventually(async () => {
    const [found] = /http:\S+/.exec(output) ?? [];
    if (found === undefined) throw new Error(`The output contains no URL:\n${output}`);
    return found;
  }, 60_000);
  return {
    url,
    /** Interrupts the process as Ctrl-C does; returns its exit status. */
    async stop(): Promise<number> {
      const exited = once(child, 'exit');
      child.kill('SIGINT');
      const [status] = await exited;
      return Number(status);
    },
  };
}

let browser: Browser;
let server: Awaited<ReturnType<typeof trace>>;
beforeAll(async () => {
  [browser, server] = await Promise.all([startBrowser(), trace()]);
});
afterAll(async () => {
  await browser.close();
  await server.stop();
});

/** Runs a function while a Lambda function is throttled, so that its step retries. */
async function whileThrottled<Result>(FunctionName: string, run: () => Promise<Result>): Promise<Result> {
  const { endpoint, region, access_key_id, secret_access_key } = outputs;
  const lambda = new LambdaClient({
    endpoint,
    region,
    credentials: { accessKeyId: access_key_id, secretAccessKey: secret_access_key },
  });
  await lambda.send(new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions: 0 }));
  try {
    return await run();
  } finally {
    await lambda.send(new DeleteFunctionConcurrencyCommand({ FunctionName }));
  }
}

describe('npm run trace', () => {
  it('shows a running provisioning from the list to its outcome without a reload', async () => {
    const { username, ...request } = newRequest();
    const { page, complaints } = await open(browser, server.url, { width: 1280 });
    await page.evaluate('window.loadedOnce = true');

    const id = await whileThrottled('app2-set-password', async () => {
      const provisioningId = await start({ username, ...request });
      await page.getByRole('link', { name: new RegExp(`running.*${username}`) }).click();
      const creation = page.getByRole('region', { name: 'App2, CreateServiceUser' });
      await creation.getByRole('button', { name: /SetPassword.*(waits for attempt|attempt \d)/ }).waitFor();
      await creation.getByText('not reached yet').first().waitFor();
      return provisioningId;
    });
    const creation = page.getByRole('region', { name: 'App2, CreateServiceUser' });
    await creation.getByRole('button', { name: /UserCreated.*reached/ }).waitFor({ timeout: 60_000 });
    await creation.getByRole('button', { name: /SetPassword.*done.*retr/ }).waitFor();
    const provisioning = page.getByRole('region', { name: 'App1, ProvisionServiceUser' });
    await provisioning.getByRole('button', { name: /Provisioned.*reached/ }).waitFor({ timeout: 60_000 });
    await page.getByText('ServiceUserProvisioned', { exact: true }).waitFor();

    expect((await waitForCompletion(id)).status).toBe('SUCCEEDED');
    expect(await page.evaluate('window.loadedOnce')).toBe(true);
    expect(complaints).toEqual([]);
  });

  it('shows a failed provisioning with its compensation, its code and its remedy', async () => {
    const request = newRequest();
    await withoutPermission(
      outputs,
      { functionName: 'app2-add-to-group' },
      'cognito-idp:AdminAddUserToGroup',
      () => provision(request),
    );

    const { page, complaints } = await open(browser, server.url, { width: 1280 });
    const row = page.getByRole('link', { name: new RegExp(request.username) });
    await row.waitFor();

    expect(await row.innerText()).toMatch(
      /failed[\s\S]*USER_CREATION_FAILED[\s\S]*AddToGroup[\s\S]*no user left/,
    );

    await row.click();
    const creation = page.getByRole('region', { name: 'App2, CreateServiceUser' });
    await creation.getByRole('button', { name: /DeleteUser.*compensated/ }).waitFor();
    await page.getByRole('alert').getByText('Send a new request later.', { exact: true }).waitFor();
    await page.getByText('ServiceUserCreationRolledBack', { exact: true }).waitFor();
    await creation.getByRole('button', { name: /AddToGroup.*failed/ }).click();
    const panel = page.getByRole('complementary', { name: 'AddToGroup' });
    await panel.waitFor();

    expect(await panel.innerText()).toMatch(
      /What to do: AddToGroup lacks a permission[\s\S]*AccessDeniedException/,
    );
    expect(complaints).toEqual([]);
  });

  it('truncates ciphertexts', async () => {
    const { provisioning_id } = await provision(newRequest());
    const response = await fetch(new URL(`/api/provisionings/${provisioning_id}`, server.url));
    const text = await response.text();

    expect(detail.parse(JSON.parse(text)).executions).toHaveLength(2);
    expect(text).toMatch(/"intake_ciphertext":"[^"]+… \(\d+ characters\)"/);
    expect(text).not.toMatch(/[A-Za-z0-9+/]{100}/);
  });

  it('finds the services on AWS by their stacks, and ends on Ctrl-C', async () => {
    const onAws = await trace(['--aws', '--region', outputs.region], {
      AWS_ENDPOINT_URL: outputs.endpoint,
      AWS_ACCESS_KEY_ID: outputs.access_key_id,
      AWS_SECRET_ACCESS_KEY: outputs.secret_access_key,
    });
    const list = listing.parse(await (await fetch(new URL('/api/provisionings?hours=24', onAws.url))).json());

    expect(list.environment).toBe(`${outputs.account} · ${outputs.region}`);
    expect(list.services).toEqual(['app1', 'app2']);
    expect(list.provisionings.length).toBeGreaterThan(0);
    expect(await onAws.stop()).toBe(0);
  });
});
