import { existsSync } from 'node:fs';
import type { Command } from '@commander-js/extra-typings';
import * as z from 'zod';
import { outputsFile, readOutputs } from '../../local/outputs.ts';
import { settings } from '../../local/places.ts';
import { Problem } from '../../local/problem.ts';

/** Where the commands go: the local AWS that is up, or AWS with the user's own credentials. */

export const whereOptions = z.object({
  aws: z.boolean().optional(),
  profile: z.string().optional(),
  region: z.string().optional(),
});
export type WhereOptions = z.infer<typeof whereOptions>;

/** Gives a command the options that say where it goes. */
export const addWhere = (command: Command): Command =>
  command
    .option('--aws', 'go to AWS with the credentials of the environment, not to the local AWS')
    .option('--profile <name>', 'go to AWS with a profile of the AWS configuration')
    .option('--region <name>', 'go to this region of AWS');

interface ClientSettings {
  endpoint?: string;
  region?: string;
  profile?: string;
  credentials?: { accessKeyId: string; secretAccessKey: string };
  maxAttempts?: number;
}

export interface Where {
  /** For people. */
  name: string;
  /** Makes an AWS client that goes there. */
  client<Client>(
    Class: new (settings: ClientSettings) => Client,
    over?: Pick<ClientSettings, 'maxAttempts'>,
  ): Client;
}

/**
 * The local AWS, unless AWS is asked for by an option, or nothing local is up and AWS_PROFILE is set.
 * @throws Problem when it is neither
 */
export function whereTo(options: WhereOptions, environment: NodeJS.ProcessEnv = process.env): Where {
  const asked = options.aws === true || options.profile !== undefined || options.region !== undefined;
  const { directory } = settings(environment);
  if (!asked && existsSync(outputsFile(directory))) {
    const { endpoint, region, access_key_id, secret_access_key } = readOutputs(directory);
    const credentials = { accessKeyId: access_key_id, secretAccessKey: secret_access_key };
    return {
      name: `the local AWS at ${endpoint}`,
      client: (Class, over) => new Class({ endpoint, region, credentials, ...over }),
    };
  }
  const profile = options.profile ?? environment['AWS_PROFILE'];
  if (!asked && profile === undefined)
    throw new Problem(
      `No local AWS is up (there is no ${outputsFile(directory)}), and AWS was not asked for.`,
      'Run `npm run up` for a local AWS, or say `--aws`, `--profile` or `--region` for AWS.',
    );
  const chosen = {
    ...(options.region === undefined ? {} : { region: options.region }),
    ...(profile === undefined ? {} : { profile }),
  };
  return {
    name: ['AWS', options.region, profile && `as ${profile}`].filter(Boolean).join(' '),
    client: (Class, over) => new Class({ ...chosen, ...over }),
  };
}
