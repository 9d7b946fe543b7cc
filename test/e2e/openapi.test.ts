import { type ExecFileException, type ExecFileOptions, execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from '@jest/globals';
import * as z from 'zod';
import { root } from '../../cli/support/paths.ts';
import { app1Routes, app2Routes, type Route } from '../../contracts/routes.ts';
import type { ServiceKind } from '../../contracts/services.ts';
import { openApiFile } from '../../docs/generate/openapi.ts';
import { eventually } from '../local-aws/support/eventually.ts';
import { machineToken, newRequest, outputs, provision, start, system } from './support/deployed.ts';

/**
 * The deployed APIs against their OpenAPI documents: Schemathesis sends requests that the documents allow and requests
 * that they do not allow, follows the links, and compares the responses with the documented ones.
 */
const folder = join(root, 'test', 'e2e', 'schemathesis');

/** Runs a program with `input` on its standard input; `output` is standard output, after a failure both streams. */
async function run(command: string, args: string[], input = '', more: ExecFileOptions = {}) {
  const running = promisify(execFile)(command, args, { maxBuffer: 64 * 1024 * 1024, ...more });
  running.child.stdin?.end(input);
  return running.then(
    ({ stdout }) => ({ failed: false, output: String(stdout) }),
    (error: ExecFileException) => ({ failed: true, output: `${error.stdout}${error.stderr}` }),
  );
}

/** The recorded requests and responses: an HTTP archive. */
const archive = z.object({
  log: z.object({
    entries: z.array(
      z.object({
        request: z.object({ method: z.string(), url: z.string() }),
        response: z.object({ status: z.int() }),
      }),
    ),
  }),
});

interface Checked {
  failed: boolean;
  output: string;
  /** Response statuses of each route, by its name. */
  routes: Record<string, number[]>;
}

/** Checks an API; `credentials` go to standard input, `retryable` is the id of a provisioning that can be retried. */
async function check(
  python: string,
  api: ServiceKind,
  routes: Record<string, Route>,
  credentials: object,
  retryable = '',
): Promise<Checked> {
  const directory = mkdtempSync(join(tmpdir(), 'schemathesis-'));
  const har = join(directory, 'requests.har');
  const { api_url } = outputs[api];
  try {
    const { failed, output } = await run(
      python,
      [
        ...[join(folder, 'check.py'), '--config-file', join(folder, 'schemathesis.toml')],
        ...['run', join(root, openApiFile(api)), '--url', api_url, '--no-color'],
        ...['--report', 'har', '--report-har-path', har],
      ],
      JSON.stringify(credentials),
      {
        cwd: directory,
        env: { PATH: process.env['PATH'], PYTHONDONTWRITEBYTECODE: '1', RETRYABLE_ID: retryable },
      },
    );
    if (!existsSync(har)) return { failed, output, routes: {} };
    const { entries } = archive.parse(JSON.parse(readFileSync(har, 'utf8'))).log;
    const statusesOf = ({ method, path }: Route): number[] => {
      const form = new RegExp(`^/${path.replace(/\{\w+\}/g, '[^/]+')}$`);
      const pathOf = (url: string) => url.slice(api_url.length).split('?')[0] ?? '';
      return entries
        .filter(({ request }) => request.method === method && form.test(pathOf(request.url)))
        .map(({ response }) => response.status);
    };
    const statuses = Object.entries(routes).map(([name, route]) => [name, statusesOf(route)] as const);
    return { failed, output, routes: Object.fromEntries(statuses) };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Cancels a provisioning, so that it can be retried; returns its id. */
async function cancelProvisioning(): Promise<string> {
  const id = await start(newRequest());
  await eventually(async () => expect((await system.deprovision(id)).status).toBe(204), 60_000);
  return id;
}

let checked: Record<ServiceKind, Checked>;

/** Checks both APIs at the same time: the checks wait for most of their duration. */
beforeAll(async () => {
  const { failed, output: python } = await run(
    process.execPath,
    ['--import', 'tsx', join(folder, 'install.ts')],
    '',
    { cwd: root },
  );
  expect([failed, python]).toEqual([false, expect.stringContaining('python')]);

  const { access_key_id, secret_access_key, region } = outputs;
  const signer = { access_key_id, secret_access_key, region };
  const request = newRequest();
  await provision(request);
  const user_token = await system.signIn(request.username, request.password);
  const tokens = { machine_token: await machineToken(), user_token };
  const [app1, app2] = await Promise.all([
    cancelProvisioning().then((retryable) => check(python, 'app1', app1Routes, { signer }, retryable)),
    check(python, 'app2', app2Routes, tokens),
  ]);
  checked = { app1, app2 };
});

describe.each([
  ['app1', app1Routes, 403],
  ['app2', app2Routes, 401],
] as const)('%s', (api, routes, unknown) => {
  it('responds as documented', () => {
    const { failed, output } = checked[api];

    expect([failed, output]).toEqual([false, expect.stringContaining('No issues found')]);
  });

  it.each(Object.keys(routes))('serves and rejects requests of %s', (name) => {
    const statuses = checked[api].routes[name] ?? [];

    expect(statuses).toContain(unknown);
    expect(statuses.filter((status) => status < 300)).not.toEqual([]);
    expect(statuses.filter((status) => status === 400 || status === 404)).not.toEqual([]);
  });
});
