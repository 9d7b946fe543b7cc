import {
  AppConfigDataClient,
  GetLatestConfigurationCommand,
  StartConfigurationSessionCommand,
} from '@aws-sdk/client-appconfigdata';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { migrationFlag } from '../../../../handlers/app1/migration/migration-flag.ts';
import { watchLog } from '../../../support/leaks.ts';
import { sdkError } from '../../../support/sdk-errors.ts';

const appConfig = mockClient(AppConfigDataClient);
const log = watchLog();
let now: number;

const reader = () =>
  migrationFlag({
    appConfig: new AppConfigDataClient({}),
    address: { application: 'app', environment: 'live', profile: 'migration' },
    now: () => now,
  });
const polledTokens = () =>
  appConfig.commandCalls(GetLatestConfigurationCommand).map(({ args }) => args[0].input.ConfigurationToken);
const sessions = () => appConfig.commandCalls(StartConfigurationSessionCommand);

/** The configuration that AppConfig returns; an empty one is unchanged. */
function serves(configuration: unknown, interval = 15) {
  const text =
    configuration === undefined || typeof configuration === 'string'
      ? configuration
      : JSON.stringify(configuration);
  let calls = 0;
  appConfig.on(GetLatestConfigurationCommand).callsFake(async () => {
    calls += 1;
    return {
      NextPollConfigurationToken: `next-${calls}`,
      NextPollIntervalInSeconds: interval,
      Configuration: Buffer.from(text ?? ''),
    };
  });
}
const at = (percentage: number) => ({ 'use-workflow': { enabled: true, percentage, allow_list: ['o'] } });

beforeEach(() => {
  now = Date.parse('2026-01-01T00:00:00Z');
  appConfig.reset();
  appConfig.on(StartConfigurationSessionCommand).resolves({ InitialConfigurationToken: 'first' });
  serves(at(10));
});

describe('the migration flag', () => {
  it('is read in a session with its address', async () => {
    await expect(reader()()).resolves.toEqual({ enabled: true, percentage: 10, allow_list: ['o'] });
    expect(sessions().map(({ args }) => args[0].input)).toEqual([
      {
        ApplicationIdentifier: 'app',
        EnvironmentIdentifier: 'live',
        ConfigurationProfileIdentifier: 'migration',
        RequiredMinimumPollIntervalInSeconds: 15,
      },
    ]);
    expect(polledTokens()).toEqual(['first']);
  });

  it("is polled again only after AppConfig's interval, with the token of the last poll", async () => {
    serves(at(10), 60);
    const read = reader();
    await read();
    now += 59_999;
    await read();

    expect(polledTokens()).toEqual(['first']);

    serves(at(20), 60);
    now += 1;

    await expect(read()).resolves.toMatchObject({ percentage: 20 });
    expect(polledTokens()).toEqual(['first', 'next-1']);
    expect(sessions()).toHaveLength(1);
  });

  it('is unchanged when AppConfig returns no new configuration', async () => {
    const read = reader();
    await read();
    serves(undefined);
    now += 15_000;

    await expect(read()).resolves.toMatchObject({ percentage: 10 });
  });

  it.each([
    [
      'AppConfig fails',
      () => appConfig.on(GetLatestConfigurationCommand).rejects(sdkError('InternalServerException')),
    ],
    [
      'the token has expired',
      () => appConfig.on(GetLatestConfigurationCommand).rejects(sdkError('BadRequestException')),
    ],
    ['it is not JSON', () => serves('{')],
    ['it is out of bounds', () => serves(at(101))],
  ])('keeps its last value when %s, polls again after the interval, and logs it', async (_what, breaks) => {
    const read = reader();
    await read();
    breaks();
    now += 15_000;

    await expect(read()).resolves.toMatchObject({ percentage: 10 });
    expect(log()).toContain('the last value is used');

    const before = polledTokens().length;
    await read();

    expect(polledTokens()).toHaveLength(before);

    serves(at(30));
    now += 15_000;

    await expect(read()).resolves.toMatchObject({ percentage: 30 });
  });

  it('starts a new session after a failed poll', async () => {
    const read = reader();
    await read();
    appConfig.on(GetLatestConfigurationCommand).rejects(sdkError('BadRequestException'));
    now += 15_000;
    await read();
    serves(at(30));
    now += 15_000;
    await read();

    expect(sessions()).toHaveLength(2);
    expect(polledTokens().at(-1)).toBe('first');
  });

  it('is undefined when it was never read, without a poll for every request', async () => {
    appConfig.on(StartConfigurationSessionCommand).rejects(sdkError('AccessDeniedException'));
    const read = reader();

    await expect(read()).resolves.toBeUndefined();
    await expect(read()).resolves.toBeUndefined();
    expect(sessions()).toHaveLength(1);
  });

  it('is undefined when the configuration has other flags only', async () => {
    serves({ other: { enabled: true } });

    await expect(reader()()).resolves.toBeUndefined();
  });

  it('has no attributes when it is off', async () => {
    serves({ 'use-workflow': { enabled: false } });

    await expect(reader()()).resolves.toEqual({ enabled: false, percentage: 0, allow_list: [] });
  });

  it('is polled once by concurrent requests', async () => {
    const read = reader();
    await Promise.all([read(), read()]);

    expect(polledTokens()).toHaveLength(1);
  });
});
