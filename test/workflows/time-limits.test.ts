import { describe, expect, it } from '@jest/globals';
import { MAX_WAIT_SECONDS } from '../../contracts/headers.ts';
import {
  IN_FLIGHT_SECONDS,
  TOKEN_LIFE_SECONDS,
  TOKEN_RENEWAL_SECONDS,
  timeLimits,
} from '../../contracts/time-limits.ts';
import { limits } from '../../handlers/shared/sweep.ts';
import type { Machine, Task } from '../../workflows/asl.ts';
import { golden, machineNames, tasks } from '../support/golden.ts';

type Retrier = Task['Retry'][number];

/** Longest time in seconds that a retrier can spend in pauses. */
function pauses({ IntervalSeconds, BackoffRate, MaxAttempts, MaxDelaySeconds }: Retrier): number {
  return Array.from({ length: MaxAttempts }, (_, n) =>
    Math.min(IntervalSeconds * BackoffRate ** n, MaxDelaySeconds),
  ).reduce((sum, pause) => sum + pause, 0);
}

/**
 * Longest time of a step: every retrier is used up, and every attempt takes all the time that it has. One that the
 * function ends with an error has the function's time; the rest of the task's time is for what is waited for.
 */
function longestStep({ TimeoutSeconds, Retry, Resource }: Task): number {
  const functionSeconds = Resource.endsWith('.waitForTaskToken') ? timeLimits.app2Function : TimeoutSeconds;
  return Retry.reduce((sum, retrier) => {
    const attempt = retrier.ErrorEquals.includes('States.Timeout') ? TimeoutSeconds : functionSeconds;
    return sum + pauses(retrier) + retrier.MaxAttempts * attempt;
  }, TimeoutSeconds);
}

/** Most events that a step writes into the history: entered, three or four for each attempt, exited. */
function mostEvents({ Retry, Resource }: Task): number {
  // Scheduled, started, (submitted,) and how it ended.
  const attempt = Resource.endsWith('.waitForTaskToken') ? 4 : 3;
  return 2 + attempt * Retry.reduce((sum, { MaxAttempts }) => sum + MaxAttempts, 1);
}

/** Most events from a state to an end, over every way that errors can take it. */
function mostEventsFrom(machine: Machine, name: string): number {
  const state = machine.States[name];
  if (state === undefined) throw new Error(`There is no state ${name}.`);
  const after = (ways: string[]) => Math.max(...ways.map((next) => mostEventsFrom(machine, next)));
  if (state.Type === 'Choice') return 2 + after([state.Default, ...state.Choices.map(({ Next }) => Next)]);
  if (state.Type === 'Wait') return 2 + after([state.Next]);
  if (state.Type !== 'Task') return 2;
  return mostEvents(state) + after([state.Next, ...state.Catch.map(({ Next }) => Next)]);
}

/** Longest time from a state to an end, over every way that errors can take it. */
function longestFrom(machine: Machine, name: string): number {
  const state = machine.States[name];
  if (state === undefined) throw new Error(`There is no state ${name}.`);
  if (state.Type === 'Choice') {
    const ways = [state.Default, ...state.Choices.map(({ Next }) => Next)];
    return Math.max(...ways.map((next) => longestFrom(machine, next)));
  }
  if (state.Type === 'Wait') return timeLimits.longestQueue + longestFrom(machine, state.Next);
  if (state.Type !== 'Task') return 0;
  const ways = [state.Next, ...state.Catch.map(({ Next }) => Next)];
  return longestStep(state) + Math.max(...ways.map((next) => longestFrom(machine, next)));
}

/** States that take back what was done. */
const COMPENSATING = ['StopProvisioning', 'StopUserCreation', 'CancelUserCreation', 'DeleteUser'];

describe('the ladder of time limits', () => {
  it('reaches the limit of a call before that of its function, of a function before that of its task', () => {
    const { awsConnect, awsCall, stepFunction, stepTask } = timeLimits;
    // DeleteUser makes most calls: it looks for the user and deletes it, by sub and by name.
    const mostCalls = 4;

    expect(awsConnect).toBeLessThan(awsCall);
    expect(mostCalls * awsCall).toBeLessThan(stepFunction);
    expect(stepFunction).toBeLessThan(stepTask);
  });

  it('leaves the legacy endpoint its time, after the flag is read and the key remembered', () => {
    const { flag, awsConnect, awsCall, legacyRequest, apiFunction } = timeLimits;

    expect(flag + awsConnect + awsCall + legacyRequest).toBeLessThan(apiFunction);
  });

  it('leaves App1 time to answer after it has waited for the end and for the timeline of App2', () => {
    const { app2Timeline, timeline, apiFunction, awsConnect } = timeLimits;

    expect(app2Timeline).toBeLessThan(timeline);
    expect(MAX_WAIT_SECONDS + awsConnect + timeline).toBeLessThan(apiFunction);
  });

  it('lets the functions that watch over executions end by themselves', () => {
    const { awsCall, watchFunction, sweepFunction } = timeLimits;
    // One execution is looked at and a roll-back is started; by the sweep with two attempts of each call.
    const one = 2 * awsCall;

    expect(one).toBeLessThan(watchFunction);
    // The sweep looks at the last one just before its time is over, and then writes its marks.
    expect(limits.time.last / 1000 + 2 * one + 2 * awsCall).toBeLessThan(sweepFunction);
  });

  it('lets a custom resource answer before CloudFormation gives up', () => {
    const { awsCall, customResourceRetries, customResourceFunction, customResource } = timeLimits;
    // The last repetition is of the step with the most calls (the user, its password, two groups); then the secret is
    // written, and CloudFormation is answered within five seconds.
    const last = 4 * awsCall + awsCall + 5;

    expect(customResourceRetries + last).toBeLessThan(customResourceFunction);
    expect(customResourceFunction).toBeLessThan(customResource);
  });

  it('holds for the calls of App1 to App2 too', () => {
    const { awsCall, app2Wait, app2Request, app2Function, app2Task } = timeLimits;
    // A sign-in with remembered credentials that were rotated: sign in, read the secret, sign in again.
    const token = 3 * awsCall;

    expect(app2Wait).toBeLessThan(app2Request);
    expect(token + app2Request + token).toBeLessThan(app2Function);
    expect(app2Function).toBeLessThan(app2Task);
  });

  it('lets a function behind an API end before API Gateway gives up', () => {
    const apiGateway = 29;
    const attempts = 2;

    expect(MAX_WAIT_SECONDS + attempts * timeLimits.awsCall).toBeLessThan(timeLimits.apiFunction);
    expect(timeLimits.apiFunction).toBeLessThan(apiGateway);
    expect(timeLimits.app2Wait).toBeLessThanOrEqual(MAX_WAIT_SECONDS);
  });

  it.each(machineNames)('gives %s more time than its worst way takes', (name) => {
    const machine = golden(name);

    expect(longestFrom(machine, machine.StartAt)).toBeLessThan(machine.TimeoutSeconds);
  });

  // docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html (maximum execution event history)
  it.each(machineNames)(
    'leaves the history of %s room for five targets, with every retry used up',
    (name) => {
      const machine = golden(name);
      const startAndEnd = 2;

      expect(5 * mostEventsFrom(machine, machine.StartAt) + startAndEnd).toBeLessThan(25_000);
    },
  );

  it('waits for a target for two hours in a step that can be compensated, and for a day in a compensation', () => {
    const waits = tasks(golden('ProvisionServiceUser')).flatMap(([step, { Retry }]) =>
      Retry.filter(({ ErrorEquals }) => ErrorEquals.includes('TargetUnavailable')).map((retrier) => ({
        step,
        hours: pauses(retrier) / 3600,
        longest: retrier.MaxDelaySeconds,
        jitter: retrier['JitterStrategy'],
      })),
    );
    const hours = (step: string) => waits.find((one) => one.step === step)?.hours;

    for (const step of ['Authenticate', 'EncryptCredentials', 'RequestUserCreation']) {
      expect(hours(step)).toBeGreaterThanOrEqual(2);
      expect(hours(step)).toBeLessThan(2.1);
    }
    expect(hours('CancelUserCreation')).toBeGreaterThanOrEqual(24);
    expect(waits.map(({ longest, jitter }) => [longest, jitter])).toEqual(waits.map(() => [300, undefined]));
  });

  it('lets no roll-back fail within an hour of what passes', () => {
    const shortest = machineNames.flatMap((name) =>
      tasks(golden(name)).flatMap(([step, { Retry }]) =>
        Retry.filter(
          ({ ErrorEquals }) => COMPENSATING.includes(step) && !ErrorEquals.includes('AbsenceNotConfirmed'),
        ).map(pauses),
      ),
    );

    expect(Math.min(...shortest)).toBeGreaterThanOrEqual(3600);
  });

  it("gives App1 more time than App2's creation and roll-back together", () => {
    expect(timeLimits.userCreation + timeLimits.userRollBack).toBeLessThan(timeLimits.provisioning);
  });

  it("gives App1's roll-back more time than App2's", () => {
    expect(timeLimits.userRollBack).toBeLessThan(timeLimits.provisioningRollBack);
  });

  it('lets no roll-back outlast the provisioning by which the sweep knows how far back to look', () => {
    expect(timeLimits.provisioningRollBack).toBeLessThanOrEqual(timeLimits.provisioning);
  });

  it("has App1 wait longer for a notification than App2's queue can be, and in all than App2 can take", () => {
    const [, wait] =
      tasks(golden('ProvisionServiceUser')).find(([name]) => name === 'RequestUserCreation') ?? [];
    const missed = wait?.Retry.find(({ ErrorEquals }) => ErrorEquals.includes('States.Timeout'));

    expect(wait?.TimeoutSeconds).toBeGreaterThan(timeLimits.longestQueue);
    expect((1 + (missed?.MaxAttempts ?? 0)) * (wait?.TimeoutSeconds ?? 0)).toBeGreaterThan(
      timeLimits.userCreation,
    );
  });

  it.each([
    ['RequestUserCreation', 'ProvisionServiceUser', 'UserCreationPending', timeLimits.userCreation],
    ['CancelUserCreation', 'ProvisionServiceUser', 'UserRemovalPending', timeLimits.userRollBack],
    ['CancelUserCreation', 'RollBackProvisioning', 'UserRemovalPending', timeLimits.userRollBack],
  ] as const)('lets %s of %s wait longer than App2 can take', (step, machine, error, app2) => {
    const retrier = tasks(golden(machine))
      .find(([name]) => name === step)?.[1]
      .Retry.find(({ ErrorEquals }) => ErrorEquals.includes(error));

    expect(retrier === undefined ? 0 : pauses(retrier)).toBeGreaterThan(app2);
  });

  it.each([
    ['DeleteUser', 'CreateServiceUser'],
    ['DeleteUser', 'RollBackServiceUser'],
    ['StopUserCreation', 'RollBackServiceUser'],
    ['StopProvisioning', 'RollBackProvisioning'],
  ] as const)('lets %s of %s look again after everything under way has landed', (step, machine) => {
    const retrier = tasks(golden(machine))
      .find(([name]) => name === step)?.[1]
      .Retry.find(({ ErrorEquals }) => ErrorEquals.includes('AbsenceNotConfirmed'));

    expect(IN_FLIGHT_SECONDS).toBeGreaterThanOrEqual(timeLimits.stepTask + timeLimits.awsCall);
    expect(retrier?.IntervalSeconds).toBeGreaterThan(IN_FLIGHT_SECONDS);
  });

  it('renews a token while it outlives a whole call', () => {
    expect(TOKEN_RENEWAL_SECONDS).toBeGreaterThan(timeLimits.app2Task);
    expect(TOKEN_LIFE_SECONDS).toBeGreaterThan(TOKEN_RENEWAL_SECONDS);
  });
});
