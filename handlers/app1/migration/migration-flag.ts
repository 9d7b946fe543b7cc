import {
  type AppConfigDataClient,
  GetLatestConfigurationCommand,
  StartConfigurationSessionCommand,
} from '@aws-sdk/client-appconfigdata';
import * as z from 'zod';
import { timeLimits } from '../../../contracts/time-limits.ts';
import { classifyError } from '../../shared/errors.ts';
import { logger } from '../../shared/logger.ts';

/** The flag as AppConfig serves it; one that is off comes without its attributes. */
const flag = z.object({
  enabled: z.boolean(),
  /** Share of usernames that go to the workflow, 0 to 100. */
  percentage: z.number().min(0).max(100).default(0),
  /** Owners (`<account>/<role id>`) and ARNs of roles or users that go to the workflow. */
  allow_list: z.array(z.string()).default([]),
});
export type Flag = z.infer<typeof flag>;

/** Name of the flag in the configuration, which may hold others. */
export const FLAG = 'use-workflow';
const configuration = z.object({ [FLAG]: flag.optional() });

/** Where the flag is in AppConfig: names or ids. */
export interface FlagAddress {
  application: string;
  environment: string;
  profile: string;
}

interface Services {
  appConfig: Pick<AppConfigDataClient, 'send'>;
  address: FlagAddress;
  /** Milliseconds since the epoch. */
  now: () => number;
}

/** Seconds between two looks, AppConfig's least; it may ask for more. */
const POLL_SECONDS = 15;

/**
 * Gives the migration flag, as new as AppConfig's poll interval allows. What was read last is kept while AppConfig cannot
 * be reached or says what cannot be understood; `undefined` when nothing was ever read, or the flag is not there.
 * docs.aws.amazon.com/appconfig/latest/userguide/appconfig-retrieving-the-configuration.html
 */
export function migrationFlag({ appConfig, address, now }: Services): () => Promise<Flag | undefined> {
  let known: Flag | undefined;
  let token: string | undefined;
  let nextLook = 0;
  let looking: Promise<void> | undefined;

  const look = async (): Promise<void> => {
    const abortSignal = AbortSignal.timeout(timeLimits.flag * 1000);
    const started =
      token ??
      (
        await appConfig.send(
          new StartConfigurationSessionCommand({
            ApplicationIdentifier: address.application,
            EnvironmentIdentifier: address.environment,
            ConfigurationProfileIdentifier: address.profile,
            RequiredMinimumPollIntervalInSeconds: POLL_SECONDS,
          }),
          { abortSignal },
        )
      ).InitialConfigurationToken;
    // A token is good for one call: when that fails, the next look starts a session of its own.
    token = undefined;
    const latest = await appConfig.send(new GetLatestConfigurationCommand({ ConfigurationToken: started }), {
      abortSignal,
    });
    token = latest.NextPollConfigurationToken;
    nextLook = now() + (latest.NextPollIntervalInSeconds ?? POLL_SECONDS) * 1000;
    // Empty: it is as it was.
    const text = Buffer.from(latest.Configuration ?? []).toString('utf8');
    if (text !== '') known = configuration.parse(JSON.parse(text))[FLAG];
  };

  return async () => {
    if (now() < nextLook) return known;
    looking ??= look()
      .catch((thrown: unknown) => {
        nextLook = Math.max(nextLook, now() + POLL_SECONDS * 1000);
        const { name, message } = classifyError(thrown);
        logger.error('The migration flag cannot be read; the last known one is used', {
          error: name,
          reason: message,
          known: known !== undefined,
        });
      })
      .finally(() => {
        looking = undefined;
      });
    await looking;
    return known;
  };
}
