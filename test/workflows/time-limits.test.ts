import { describe, expect, it } from '@jest/globals';
import { MAX_TARGETS_PER_REQUEST } from '../../contracts/app1-api.ts';
import { MAX_WAIT_SECONDS } from '../../contracts/headers.ts';
import {
  IN_FLIGHT_SECONDS,
  TOKEN_LIFE_SECONDS,
  TOKEN_RENEWAL_SECONDS,
  timeLimits,
} from '../../contracts/time-limits.ts';
import { limits } from '../../handlers/shared/sweep.ts';
import { nextStates, type State, type States, type Task } from '../../workflows/asl.ts';
import { golden, machineNames, tasks } from '../support/golden.ts';

type Retrier = Task['Retry'][number];

/** Total delay of a retrier in seconds, if every attempt is used. */
function totalDelay({ IntervalSeconds, BackoffRate, MaxAttempts, MaxDelaySeconds }: Retrier): number {
  return Array.from({ length: MaxAttempts }, (_, n) =>
    Math.min(IntervalSeconds * BackoffRate ** n, MaxDelaySeconds),
  ).reduce((sum, delay) => sum + delay, 0);
}

/**
 * Longest time of a step: every retrier is used up, and every attempt reaches its timeout. In a task with a callback, an
 * attempt that fails with an error of the function takes at most the function's timeout.
 */
function longestStep({ TimeoutSeconds, Retry, Resource }: Task): number {
  const functionSeconds = Resource.endsWith('.waitForTaskToken') ? timeLimits.targetFunction : TimeoutSeconds;
  return Retry.reduce((sum, retrier) => {
    const attempt = retrier.ErrorEquals.includes('States.Timeout') ? TimeoutSeconds : functionSeconds;
    return sum + totalDelay(retrier) + retrier.MaxAttempts * attempt;
  }, TimeoutSeconds);
}

/** Most events of a step in the history: entered, three or four for each attempt, exited. */
function mostEvents({ Retry, Resource }: Task): number {
  // Scheduled, started, submitted (with a callback only), and the outcome.
  const attempt = Resource.endsWith('.waitForTaskToken') ? 4 : 3;
  return 2 + attempt * Retry.reduce((sum, { MaxAttempts }) => sum + MaxAttempts, 1);
}

/** The largest total of a state and its successors, over all paths to a final state. */
function mostFrom(machine: States, of: (one: State) => number, name = machine.StartAt): number {
  const one = machine.States[name];
  if (one === undefined) throw new Error(`There is no state ${name}.`);
  return of(one) + Math.max(0, ...nextStates(one).map((next) => mostFrom(machine, of, next)));
}

/** Most events of a state. Each iteration of a Map has a start and an end of its own. */
function eventsOf(one: State): number {
  if (one.Type === 'Task') return mostEvents(one);
  if (one.Type !== 'Map') return 2;
  return 4 + MAX_TARGETS_PER_REQUEST * (2 + mostFrom(one.ItemProcessor, eventsOf));
}

/** Longest time of a state in seconds. The iterations of a Map run at the same time. */
function secondsOf(one: State): number {
  if (one.Type === 'Task') return longestStep(one);
  if (one.Type === 'Map') return mostFrom(one.ItemProcessor, secondsOf);
  return one.Type === 'Wait' ? timeLimits.longestQueue : 0;
}

/** Compensating states. */
const COMPENSATING = ['StopProvisioning', 'StopUserCreation', 'CancelUserCreation', 'DeleteUser'];

describe('the ladder of time limits', () => {
  it('has a call time out before its function, and a function before its task', () => {
    const { awsConnect, awsCall, stepFunction, stepTask } = timeLimits;
    // DeleteUser makes the most calls: AdminGetUser and AdminDeleteUser, each by sub and by name.
    const mostCalls = 4;

    expect(awsConnect).toBeLessThan(awsCall);
    expect(mostCalls * awsCall).toBeLessThan(stepFunction);
    expect(stepFunction).toBeLessThan(stepTask);
  });

  it('leaves the legacy endpoint its time after the reads of the flag and of the API key', () => {
    const { flag, awsConnect, awsCall, legacyRequest, apiFunction } = timeLimits;

    expect(flag + awsConnect + awsCall + legacyRequest).toBeLessThan(apiFunction);
  });

  it("leaves App1 time to respond after the longest wait and the read of App2's timeline", () => {
    const { targetTimeline, timeline, apiFunction, awsConnect } = timeLimits;

    expect(targetTimeline).toBeLessThan(timeline);
    expect(MAX_WAIT_SECONDS + awsConnect + timeline).toBeLessThan(apiFunction);
  });

  it('lets the roll-back starters and the sweep finish before their timeouts', () => {
    const { awsCall, watchFunction, sweepFunction } = timeLimits;
    // DescribeExecution and StartExecution for one execution; the sweep makes two attempts of each call.
    const perExecution = 2 * awsCall;

    expect(perExecution).toBeLessThan(watchFunction);
    // The sweep can start with the last execution just before its time limit, and then writes its marks.
    expect(limits.time.last / 1000 + 2 * perExecution + 2 * awsCall).toBeLessThan(sweepFunction);
  });

  it('lets a custom resource respond before CloudFormation times out', () => {
    const { awsCall, customResourceRetries, customResourceFunction, customResource } = timeLimits;
    // The last retry can be of the step with the most calls (user, password, two groups). Then the secret is written, and
    // the response to CloudFormation takes at most five seconds.
    const last = 4 * awsCall + awsCall + 5;

    expect(customResourceRetries + last).toBeLessThan(customResourceFunction);
    expect(customResourceFunction).toBeLessThan(customResource);
  });

  it('also holds for the requests of App1 to App2', () => {
    const { awsCall, targetWait, targetRequest, targetFunction, targetTask } = timeLimits;
    // A sign-in with cached credentials that were rotated: sign in, read the secret, sign in again.
    const token = 3 * awsCall;

    expect(targetWait).toBeLessThan(targetRequest);
    expect(token + targetRequest + token).toBeLessThan(targetFunction);
    expect(targetFunction).toBeLessThan(targetTask);
  });

  it('lets a function of an API finish before API Gateway times out', () => {
    const apiGateway = 29;
    const attempts = 2;

    expect(MAX_WAIT_SECONDS + attempts * timeLimits.awsCall).toBeLessThan(timeLimits.apiFunction);
    expect(timeLimits.apiFunction).toBeLessThan(apiGateway);
    expect(timeLimits.targetWait).toBeLessThanOrEqual(MAX_WAIT_SECONDS);
  });

  it.each(machineNames)('gives %s more time than its longest path', (name) => {
    const machine = golden(name);

    expect(mostFrom(machine, secondsOf)).toBeLessThan(machine.TimeoutSeconds);
  });

  // docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html (maximum execution event history)
  it.each(machineNames)(
    'keeps the history of %s below its quota with five targets and every retry used up',
    (name) => {
      const startAndEnd = 2;

      const events = mostFrom(golden(name), eventsOf) + startAndEnd;

      expect(events).toBeLessThan(25_000);
    },
  );

  it('retries an unavailable target for two hours in a step, and for 24 hours in a compensation', () => {
    const policies = tasks(golden('ProvisionServiceUser')).flatMap(([step, { Retry }]) =>
      Retry.filter(({ ErrorEquals }) => ErrorEquals.includes('TargetUnavailable')).map((retrier) => ({
        step,
        hours: totalDelay(retrier) / 3600,
        longest: retrier.MaxDelaySeconds,
        jitter: retrier['JitterStrategy'],
      })),
    );
    const hours = (step: string) => policies.find((policy) => policy.step === step)?.hours;

    for (const step of ['Authenticate', 'EncryptCredentials', 'RequestUserCreation']) {
      expect(hours(step)).toBeGreaterThanOrEqual(2);
      expect(hours(step)).toBeLessThan(2.1);
    }
    expect(hours('CancelUserCreation')).toBeGreaterThanOrEqual(24);
    expect(policies.map(({ longest, jitter }) => [longest, jitter])).toEqual(
      policies.map(() => [300, undefined]),
    );
  });

  it('retries transient errors of a roll-back for at least an hour', () => {
    const shortest = machineNames.flatMap((name) =>
      tasks(golden(name)).flatMap(([step, { Retry }]) =>
        Retry.filter(
          ({ ErrorEquals }) => COMPENSATING.includes(step) && !ErrorEquals.includes('AbsenceNotConfirmed'),
        ).map(totalDelay),
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

  it("gives a roll-back no more time than a provisioning, which bounds the sweep's read", () => {
    expect(timeLimits.provisioningRollBack).toBeLessThanOrEqual(timeLimits.provisioning);
  });

  it("has App1 wait for a notification longer than App2's queue, and in total longer than a creation", () => {
    const [, task] =
      tasks(golden('ProvisionServiceUser')).find(([name]) => name === 'RequestUserCreation') ?? [];
    const missed = task?.Retry.find(({ ErrorEquals }) => ErrorEquals.includes('States.Timeout'));

    expect(task?.TimeoutSeconds).toBeGreaterThan(timeLimits.longestQueue);
    expect((1 + (missed?.MaxAttempts ?? 0)) * (task?.TimeoutSeconds ?? 0)).toBeGreaterThan(
      timeLimits.userCreation,
    );
  });

  it.each([
    ['RequestUserCreation', 'ProvisionServiceUser', 'UserCreationPending', timeLimits.userCreation],
    ['CancelUserCreation', 'ProvisionServiceUser', 'UserRemovalPending', timeLimits.userRollBack],
    ['CancelUserCreation', 'RollBackProvisioning', 'UserRemovalPending', timeLimits.userRollBack],
  ] as const)('retries %s of %s longer than the time limit of App2', (step, machine, error, app2Seconds) => {
    const retrier = tasks(golden(machine))
      .find(([name]) => name === step)?.[1]
      .Retry.find(({ ErrorEquals }) => ErrorEquals.includes(error));

    expect(retrier === undefined ? 0 : totalDelay(retrier)).toBeGreaterThan(app2Seconds);
  });

  it.each([
    ['DeleteUser', 'CreateServiceUser'],
    ['DeleteUser', 'RollBackServiceUser'],
    ['StopUserCreation', 'RollBackServiceUser'],
    ['StopProvisioning', 'RollBackProvisioning'],
  ] as const)('has %s of %s check again after every call in flight has finished', (step, machine) => {
    const retrier = tasks(golden(machine))
      .find(([name]) => name === step)?.[1]
      .Retry.find(({ ErrorEquals }) => ErrorEquals.includes('AbsenceNotConfirmed'));

    expect(IN_FLIGHT_SECONDS).toBeGreaterThanOrEqual(timeLimits.stepTask + timeLimits.awsCall);
    expect(retrier?.IntervalSeconds).toBeGreaterThan(IN_FLIGHT_SECONDS);
  });

  it('renews a token before it could expire during a request', () => {
    expect(TOKEN_RENEWAL_SECONDS).toBeGreaterThan(timeLimits.targetTask);
    expect(TOKEN_LIFE_SECONDS).toBeGreaterThan(TOKEN_RENEWAL_SECONDS);
  });
});
