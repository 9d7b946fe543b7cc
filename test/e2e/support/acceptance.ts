import { run } from './commands.ts';
import { outputs } from './deployed.ts';

/** `npm run acceptance`, on the system under test as on an account of AWS: by what the SDK finds, and by stack outputs. */
export interface Accepted {
  status: number | null;
  /** The names of the checks, by what came out of them. */
  passed: string[];
  failed: string[];
  notChecked: string[];
  /** What it said, and its last line. */
  output: string;
  last: string;
}

/** On AWS an API has a host of its own; the local AWS has them all under its endpoint. */
export const asOnAws = (): Record<string, string> => ({
  AWS_ENDPOINT_URL: outputs.endpoint,
  AWS_REGION: outputs.region,
  AWS_ACCESS_KEY_ID: outputs.access_key_id,
  AWS_SECRET_ACCESS_KEY: outputs.secret_access_key,
  APP1_API_URL: outputs.app1.api_url,
  APP2_API_URL: outputs.app2.api_url,
});

/** Runs it with these arguments. `environment`: what it is run in, beside that of this process. */
export async function accept(args: readonly string[], environment = asOnAws()): Promise<Accepted> {
  const { status, stdout, output } = await run(
    `npm run --silent acceptance -- ${args.join(' ')}`,
    environment,
  );
  const named = (sign: string) =>
    [...stdout.matchAll(new RegExp(`^${sign} ([\\w/-]+): `, 'gm'))].map(([, name = '']) => name).sort();
  return {
    status,
    passed: named('✔'),
    failed: named('✘'),
    notChecked: named('–'),
    output,
    last: stdout.trim().split('\n').at(-1) ?? '',
  };
}
