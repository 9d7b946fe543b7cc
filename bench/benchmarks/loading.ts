import { execFile } from 'node:child_process';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build, type Metafile } from 'esbuild';
import * as z from 'zod';
import { root } from '../../cli/support/paths.ts';
import { formatPolicy } from '../../contracts/targets.ts';
import { environments as app1 } from '../../handlers/app1/lib/environments.ts';
import { environments as app2 } from '../../handlers/app2/lib/environments.ts';
import { bundleInto, bundling } from '../../infra/bundle.ts';
import { defaultPasswordPolicy } from '../../infra/settings.ts';
import { median, rounded } from '../support/statistics.ts';

/** The size of a function's bundle. */
export interface Bundle {
  /** Bytes of the file. */
  bytes: number;
  /** Bytes of each package in the bundle, the largest package first. */
  packages: Record<string, number>;
}

/** The measurements of this benchmark. */
export interface Loading {
  /** The bundle of every function, by `service/name`. */
  bundles: Record<string, Bundle>;
  /**
   * The cost of loading a function, by `service/name`: `shipped` with the deployed bundle, `wholePackages` with a bundle
   * of the same function that contains all of zod and every command of its SDK clients.
   */
  loads: Record<string, { shipped: Load; wholePackages: Load }>;
  calls: Calls;
}

/** CPU time of calls to AWS in milliseconds, the minimum of all runs. */
export interface Calls {
  /** Creating an AWS client and its first call. */
  first: number;
  /** Each later call of the same client. */
  further: number;
}

/**
 * The cost of loading a bundle in a new process. It is CPU time, because the duration also depends on the other processes
 * of the computer. It is the minimum of all runs, because a disturbance can only make a run slower.
 */
export interface Load {
  /** Size of the bundle. */
  bytes: number;
  /** CPU time in milliseconds, the minimum of all runs. */
  computing: number;
  /** Resident memory of the process after the loading in MB, the median of all runs. */
  memory: number;
}

/** One function of each kind: behind App1's API, the one that calls targets, a step of App2, and the authorizer. */
const MEASURED = [
  'app1/start-provisioning',
  'app1/call-target',
  'app2/create-user',
  'app2/authorizer',
] as const;

const load = z.object({ computing: z.number(), memory: z.number() });

/**
 * The program that loads one bundle and prints its cost. It first loads the modules of Node.js that Lambda's runtime has
 * loaded before it loads a function, so that they do not count.
 */
const LOADER = `
  for (const name of ['node:crypto', 'node:https', 'node:stream', 'node:console']) require(name);
  const cpu = process.cpuUsage();
  require(process.argv[1]);
  const { user, system } = process.cpuUsage(cpu);
  console.log(JSON.stringify({ computing: (user + system) / 1e3, memory: process.memoryUsage().rss / 2 ** 20 }));
`;

/**
 * Bundles functions and measures the loading of some of them. The deployed bundle and the bundle of whole packages
 * alternate, so that a disturbance affects both.
 * @param runs number of runs of each bundle
 * @param names functions whose loading is measured, by `service/name`
 * @param functions functions that are bundled, by service; all by default
 */
export async function loading(
  runs: number,
  names: readonly string[] = MEASURED,
  functions = { app1: Object.keys(app1), app2: Object.keys(app2) },
): Promise<Loading> {
  const folder = await mkdtemp(join(tmpdir(), 'loading-'));
  try {
    const metafile = await bundleInto(join(folder, 'shipped'), functions);
    // The checkout's package.json would make the bundles ES modules. On Lambda, no package.json is above them.
    await writeFile(join(folder, 'package.json'), '{}');
    const loads: Loading['loads'] = {};
    for (const name of names) {
      const shipped = join(folder, 'shipped', name, 'index.js');
      const wholePackages = join(folder, 'whole-packages', name, 'index.cjs');
      await bundleWholePackages(name, wholePackages);
      loads[name] = await measure({ shipped, wholePackages }, runs);
    }
    return { bundles: bundlesOf(metafile), loads, calls: await measureCalls(join(folder, 'calls.js'), runs) };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Bundles a function as if esbuild removed no unused export of zod and of the SDK clients that the function uses. */
async function bundleWholePackages(name: string, outfile: string): Promise<void> {
  const { metafile } = await build({
    ...bundling,
    entryPoints: [join(root, 'handlers', `${name}.ts`)],
    outfile,
    metafile: true,
    write: false,
    absWorkingDir: root,
  });
  const inputs = Object.keys(metafile.inputs).map(packageOf);
  const packages = [...new Set(inputs)].filter((one) => /^@aws-sdk\/client-|^zod$/.test(one));
  await build({
    ...bundling,
    stdin: {
      contents: [
        ...packages.map((one, n) => `import * as p${n} from '${one}'; globalThis.kept${n} = p${n};`),
        `export { handler } from './handlers/${name}.ts';`,
      ].join('\n'),
      resolveDir: root,
    },
    outfile,
    absWorkingDir: root,
  });
}

/** Schemas of the environment variables of the measured functions. */
export const measuredEnvironments: readonly z.ZodObject[] = [
  app1['start-provisioning'],
  app1['call-target'],
  app2['create-user'],
  app2.authorizer,
];

/** Environment variables with which every measured function can be loaded. Only those that it parses have a valid value. */
export const loadingEnvironment = {
  ...Object.fromEntries(
    measuredEnvironments.flatMap(({ shape }) =>
      Object.keys(shape).map((name) => [name, 'https://bench.example']),
    ),
  ),
  USER_POOL_ID: 'us-east-1_Bench',
  BUSINESS_ROUTES: '[]',
  TARGETS: JSON.stringify([
    {
      name: 'app2',
      state: 'active',
      api_url: 'https://bench.example',
      client_id: 'client',
      secret_arn: 'secret',
      password_policy: formatPolicy(defaultPasswordPolicy),
    },
  ]),
  CHECK_USER_IN_POOL: 'off',
  PASSWORD_POLICY: JSON.stringify(defaultPasswordPolicy),
  API_SCHEME: 'https',
  DESCRIBES_PER_SECOND: '1',
  DESCRIBES_PER_SECOND_AND_CALLER: '1',
};

type Loaded = z.infer<typeof load>;

/** Loads both bundles `runs` times, alternately. */
async function measure(files: { shipped: string; wholePackages: string }, runs: number) {
  const shipped: Loaded[] = [];
  const wholePackages: Loaded[] = [];
  for (let n = 0; n < runs; n += 1) {
    shipped.push(await loadOnce(files.shipped));
    wholePackages.push(await loadOnce(files.wholePackages));
  }
  return {
    shipped: await summed(files.shipped, shipped),
    wholePackages: await summed(files.wholePackages, wholePackages),
  };
}

async function summed(file: string, all: readonly Loaded[]): Promise<Load> {
  return {
    bytes: (await stat(file)).size,
    computing: rounded(Math.min(...all.map(({ computing }) => computing))),
    memory: Math.round(median(all.map(({ memory }) => memory))),
  };
}

async function loadOnce(file: string): Promise<Loaded> {
  const env = {
    PATH: process.env['PATH'],
    AWS_REGION: 'us-east-1',
    SERVICE_NAME: 'bench',
    ...loadingEnvironment,
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  };
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', LOADER, file], { env });
  return load.parse(JSON.parse(stdout));
}

const calls = z.object({ first: z.number(), further: z.number() });

/** Measures the calls of bench/functions/calls.ts, bundled like a function, to a server that responds at once. */
async function measureCalls(outfile: string, runs: number): Promise<Calls> {
  await build({ ...bundling, entryPoints: [join(root, 'bench', 'functions', 'calls.ts')], outfile });
  const server = createServer((request, response) => {
    request.resume().once('end', () => response.end('{"status":"RUNNING"}'));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  try {
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('The server has no port.');
    const env = {
      PATH: process.env['PATH'],
      AWS_ENDPOINT_URL: `http://127.0.0.1:${address.port}`,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'bench',
      AWS_SECRET_ACCESS_KEY: 'bench',
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    };
    const all: Calls[] = [];
    for (let n = 0; n < runs; n += 1) {
      const { stdout } = await promisify(execFile)(process.execPath, [outfile], { env });
      all.push(calls.parse(JSON.parse(stdout)));
    }
    return {
      first: rounded(Math.min(...all.map(({ first }) => first))),
      further: rounded(Math.min(...all.map(({ further }) => further))),
    };
  } finally {
    server.close();
  }
}

/** Name of the code of this repository in a list of packages. */
const OWN = 'our own';

const packageOf = (input: string): string => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1] ?? OWN;

function bundlesOf({ outputs }: Metafile): Record<string, Bundle> {
  const entries = Object.entries(outputs).map(([file, { bytes, inputs }]): [string, Bundle] => {
    const packages: Record<string, number> = {};
    for (const [input, { bytesInOutput }] of Object.entries(inputs)) {
      const name = packageOf(input);
      packages[name] = (packages[name] ?? 0) + bytesInOutput;
    }
    const sorted = Object.entries(packages).sort(([, a], [, b]) => b - a);
    return [
      /([^/]+\/[^/]+)\/index\.js$/.exec(file)?.[1] ?? file,
      { bytes, packages: Object.fromEntries(sorted) },
    ];
  });
  return Object.fromEntries(entries.sort(([a], [b]) => a.localeCompare(b)));
}
