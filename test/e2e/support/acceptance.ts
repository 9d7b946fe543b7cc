import { run } from './commands.ts';
import { outputs } from './deployed.ts';

/** Result of `npm run acceptance` on the system under test, which it finds by stack outputs as on AWS. */
export interface Accepted {
  status: number | null;
  /** Names of the checks, by their result. */
  passed: string[];
  failed: string[];
  notChecked: string[];
  output: string;
  /** Last line of standard output. */
  lastLine: string;
}

/**
 * Variables by which the acceptance uses the local AWS as AWS. The URLs are needed because the local AWS serves all APIs
 * under its endpoint, while each API has its own host on AWS.
 */
export const asOnAws = (): Record<string, string> => ({
  AWS_ENDPOINT_URL: outputs.endpoint,
  AWS_REGION: outputs.region,
  AWS_ACCESS_KEY_ID: outputs.access_key_id,
  AWS_SECRET_ACCESS_KEY: outputs.secret_access_key,
  APP1_API_URL: outputs.app1.api_url,
  APP2_API_URL: outputs.app2.api_url,
});

/** Runs the acceptance with these arguments. `environment` is added to the variables of this process. */
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
    lastLine: stdout.trim().split('\n').at(-1) ?? '',
  };
}
