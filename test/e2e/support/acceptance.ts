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
 * Variables by which the acceptance uses a local AWS as AWS. The URLs are needed because the local AWS serves all APIs
 * under its endpoint, while each API has its own host on AWS.
 * @param target whose users are created
 */
export const asOnAws = (system = outputs, target = system.app2): Record<string, string> => ({
  AWS_ENDPOINT_URL: system.endpoint,
  AWS_REGION: system.region,
  AWS_ACCESS_KEY_ID: system.access_key_id,
  AWS_SECRET_ACCESS_KEY: system.secret_access_key,
  APP1_API_URL: system.app1.api_url,
  TARGET_API_URL: target.api_url,
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
