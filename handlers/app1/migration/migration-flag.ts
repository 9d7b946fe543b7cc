import {
  type AppConfigDataClient,
  GetLatestConfigurationCommand,
  StartConfigurationSessionCommand,
} from '@aws-sdk/client-appconfigdata';
import * as z from 'zod';
import { timeLimits } from '../../../contracts/time-limits.ts';
import { classifyError } from '../../shared/errors.ts';
import { logger } from '../../shared/logger.ts';

/** The flag as AppConfig returns it. A disabled flag has no attributes. */
const flag = z.object({
  enabled: z.boolean(),
  /** Share of usernames that go to the workflow, 0 to 100. */
  percentage: z.number().min(0).max(100).default(0),
  /** Owners (`<account>/<role id>`) and ARNs of roles or users that go to the workflow. */
  allow_list: z.array(z.string()).default([]),
});
export type Flag = z.infer<typeof flag>;

/** Name of the flag in the configuration, which may have other flags. */
export const FLAG = 'use-workflow';
const configuration = z.object({ [FLAG]: flag.optional() });

/** Address of the flag in AppConfig: names or ids. */
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

/** Shortest poll interval of AppConfig, in seconds. AppConfig can return a longer one. */
const POLL_SECONDS = 15;

/**
 * Returns the migration flag, polled at AppConfig's interval. While AppConfig is not available or returns an invalid
 * configuration, it returns the last value; `undefined` if the flag was never read or does not exist.
 * docs.aws.amazon.com/appconfig/latest/userguide/appconfig-retrieving-the-configuration.html
 */
export function migrationFlag({ appConfig, address, now }: Services): () => Promise<Flag | undefined> {
  let lastFlag: Flag | undefined;
  let token: string | undefined;
  let nextPollAt = 0;
  let pending: Promise<void> | undefined;

  const poll = async (): Promise<void> => {
    const abortSignal = AbortSignal.timeout(timeLimits.flag * 1000);
    const configurationToken =
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
    // A token is valid for one call. If the call fails, the next poll starts a new session.
    token = undefined;
    const latest = await appConfig.send(
      new GetLatestConfigurationCommand({ ConfigurationToken: configurationToken }),
      {
        abortSignal,
      },
    );
    token = latest.NextPollConfigurationToken;
    nextPollAt = now() + (latest.NextPollIntervalInSeconds ?? POLL_SECONDS) * 1000;
    // Empty if the configuration has not changed.
    const text = Buffer.from(latest.Configuration ?? []).toString('utf8');
    if (text !== '') lastFlag = configuration.parse(JSON.parse(text))[FLAG];
  };

  return async () => {
    if (now() < nextPollAt) return lastFlag;
    pending ??= poll()
      .catch((thrown: unknown) => {
        nextPollAt = Math.max(nextPollAt, now() + POLL_SECONDS * 1000);
        const { name, message } = classifyError(thrown);
        logger.error('The migration flag cannot be read; the last value is used', {
          error: name,
          reason: message,
          has_last_value: lastFlag !== undefined,
        });
      })
      .finally(() => {
        pending = undefined;
      });
    await pending;
    return lastFlag;
  };
}
