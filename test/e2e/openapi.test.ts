import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, it } from '@jest/globals';
import * as z from 'zod';
import { app1Routes, app2Routes, type Route } from '../../contracts/routes.ts';
import { openApiFile } from '../../docs/generate/openapi.ts';
import { root } from '../../local/places.ts';
import { machineToken, newRequest, outputs, provision, system } from './support/deployed.ts';

/**
 * The APIs as they run against their documents: Schemathesis makes requests of what the documents allow and of what
 * they do not, follows their links, and looks whether the answers are the documented ones.
 */
const folder = join(root, 'test', 'e2e', 'schemathesis');
let python: string;

beforeAll(() => {
  const install = [...['--import', 'tsx'], join(folder, 'install.ts')];
  const { stdout, stderr, status } = spawnSync(process.execPath, install, { cwd: root, encoding: 'utf8' });
  expect([status, status === 0 ? '' : stderr]).toEqual([0, '']);
  python = stdout;
});

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

/** Checks an API; `credentials` go to standard input. What Schemathesis says, and the statuses that each route gave. */
function check(api: 'app1' | 'app2', routes: Record<string, Route>, credentials: object) {
  const directory = mkdtempSync(join(tmpdir(), 'schemathesis-'));
  const har = join(directory, 'requests.har');
  try {
    const { status: exit, stdout: said } = spawnSync(
      python,
      [
        ...[join(folder, 'check.py'), '--config-file', join(folder, 'schemathesis.toml')],
        ...['run', join(root, openApiFile(api)), '--url', outputs[api].api_url, '--no-color'],
        ...['--report', 'har', '--report-har-path', har],
      ],
      {
        cwd: directory,
        env: { PATH: process.env['PATH'], PYTHONDONTWRITEBYTECODE: '1' },
        input: JSON.stringify(credentials),
        encoding: 'utf8',
        maxBuffer: 64 * 1024 * 1024,
      },
    );
    expect([exit, said]).toEqual([0, expect.stringContaining('No issues found')]);
    const { entries } = archive.parse(JSON.parse(readFileSync(har, 'utf8'))).log;
    const statusesOf = ({ method, path }: Route): Set<number> => {
      const form = new RegExp(`^/${path.replace(/\{\w+\}/g, '.+')}$`);
      const pathOf = (url: string) => url.slice(outputs[api].api_url.length).split('?')[0] ?? '';
      const of = entries.filter(({ request }) => request.method === method && form.test(pathOf(request.url)));
      return new Set(of.map(({ response }) => response.status));
    };
    return Object.entries(routes).map(([name, route]) => ({ name, statuses: statusesOf(route) }));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Each route was seen to serve, and to refuse what is not valid and who is not known. */
function expectReached(routes: ReturnType<typeof check>, unknown: number): void {
  for (const { name, statuses } of routes) {
    const served = [...statuses].some((status) => status < 300);
    const refused = statuses.has(400) || statuses.has(404);
    expect({ name, served, refused, unknown: statuses.has(unknown) }).toEqual({
      name,
      served: true,
      refused: true,
      unknown: true,
    });
  }
}

it('App1 answers as its document says', () => {
  const { access_key_id, secret_access_key, region } = outputs;

  const routes = check('app1', app1Routes, { signer: { access_key_id, secret_access_key, region } });

  expectReached(routes, 403);
});

it('App2 answers as its document says', async () => {
  const request = newRequest();
  await provision(request);
  const user_token = await system.signIn(request.username, request.password);

  const routes = check('app2', app2Routes, { machine_token: await machineToken(), user_token });

  expectReached(routes, 401);
});
