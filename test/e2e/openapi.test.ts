import { type ExecFileException, type ExecFileOptions, execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from '@jest/globals';
import * as z from 'zod';
import { root } from '../../cli/support/paths.ts';
import { app1Routes, app2Routes, type Route } from '../../contracts/routes.ts';
import type { Service } from '../../contracts/services.ts';
import { openApiFile } from '../../docs/generate/openapi.ts';
import { eventually } from '../local-aws/support/eventually.ts';
import { machineToken, newRequest, outputs, provision, start, system } from './support/deployed.ts';

/**
 * The APIs as they run against their documents: Schemathesis makes requests of what the documents allow and of what
 * they do not, follows their links, and looks whether the answers are the documented ones.
 */
const folder = join(root, 'test', 'e2e', 'schemathesis');

/** Runs a program, with `input` on its standard input. */
async function run(command: string, args: string[], input = '', more: ExecFileOptions = {}) {
  const running = promisify(execFile)(command, args, { maxBuffer: 64 * 1024 * 1024, ...more });
  running.child.stdin?.end(input);
  return running.then(
    ({ stdout }) => ({ failed: false, said: String(stdout) }),
    (error: ExecFileException) => ({ failed: true, said: `${error.stdout}${error.stderr}` }),
  );
}

/** What is read of the requests that were made: an HTTP archive. */
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
  said: string;
  /** Statuses that each route answered with, by its name. */
  routes: Record<string, number[]>;
}

/** Checks an API; `credentials` go to standard input, `retryable` is a provisioning that can be tried again. */
async function check(
  python: string,
  api: Service,
  routes: Record<string, Route>,
  credentials: object,
  retryable = '',
): Promise<Checked> {
  const directory = mkdtempSync(join(tmpdir(), 'schemathesis-'));
  const har = join(directory, 'requests.har');
  const { api_url } = outputs[api];
  try {
    const { failed, said } = await run(
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
    if (!existsSync(har)) return { failed, said, routes: {} };
    const { entries } = archive.parse(JSON.parse(readFileSync(har, 'utf8'))).log;
    const statusesOf = ({ method, path }: Route): number[] => {
      const form = new RegExp(`^/${path.replace(/\{\w+\}/g, '[^/]+')}$`);
      const pathOf = (url: string) => url.slice(api_url.length).split('?')[0] ?? '';
      return entries
        .filter(({ request }) => request.method === method && form.test(pathOf(request.url)))
        .map(({ response }) => response.status);
    };
    const told = Object.entries(routes).map(([name, route]) => [name, statusesOf(route)] as const);
    return { failed, said, routes: Object.fromEntries(told) };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** A provisioning that was cancelled can be tried again. */
async function cancelled(): Promise<string> {
  const id = await start(newRequest());
  await eventually(async () => expect((await system.deprovision(id)).status).toBe(204), 60_000);
  return id;
}

let checked: Record<Service, Checked>;

/** Both at once: most of the time they wait. */
beforeAll(async () => {
  const { failed, said: python } = await run(
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
    cancelled().then((retryable) => check(python, 'app1', app1Routes, { signer }, retryable)),
    check(python, 'app2', app2Routes, tokens),
  ]);
  checked = { app1, app2 };
});

describe.each([
  ['app1', app1Routes, 403],
  ['app2', app2Routes, 401],
] as const)('%s', (api, routes, unknown) => {
  it('answers as its document says', () => {
    const { failed, said } = checked[api];

    expect([failed, said]).toEqual([false, expect.stringContaining('No issues found')]);
  });

  it.each(Object.keys(routes))('was seen to serve and to refuse: %s', (name) => {
    const statuses = checked[api].routes[name] ?? [];

    expect(statuses).toContain(unknown);
    expect(statuses.filter((status) => status < 300)).not.toEqual([]);
    expect(statuses.filter((status) => status === 400 || status === 404)).not.toEqual([]);
  });
});
