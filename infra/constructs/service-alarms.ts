import { TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { type EventSource, eventSources } from '../../contracts/events/catalogue.ts';
import type { Service } from '../../contracts/services.ts';
import { timeLimits } from '../../contracts/time-limits.ts';
import { awsMetric, ownMetric, Stats } from '../metrics.ts';
import { alarmNamed } from '../names.ts';
import type { Settings } from '../settings.ts';
import { ServiceAlarm, type ServiceAlarmProps } from './service-alarm.ts';

export interface Watched {
  service: Service;
  /** Name of the function that sweeps. */
  sweep: string;
  /** ARN of the machine that rolls back. */
  rollBackMachineArn: string;
  api: { name: string; stage: string };
  settings: Settings;
}

/**
 * Minutes after which a running execution hangs: half an hour more than a step may wait. App1 waits for a target, which
 * in a compensation may take longer: then somebody has to look at the target. App2 waits for AWS.
 */
const HANGS_AFTER_MINUTES = {
  app1: timeLimits.outage / 60 + 30,
  app2: timeLimits.compensation / 60 + 30,
} as const satisfies Record<Service, number>;

/**
 * An hour of five-minute periods: the sweep tries a roll-back again every five minutes, and a try may wait for an hour
 * before it fails. What waits has not failed: the first failure of what passes comes after an hour.
 */
const FOR_AN_HOUR = { bad: 1, of: 12 };

/** The alarms that both services have alike; the queue of what was not delivered and the bus bring theirs along. */
export class ServiceAlarms extends Construct {
  readonly #watched: Watched;

  constructor(scope: Construct, id: string, watched: Watched) {
    super(scope, id);
    this.#watched = watched;
    this.#provisionings(eventSources[watched.service]);
    this.#rollBacks(eventSources[watched.service]);
    this.#sweep();
    this.#api();
    this.#limits();
  }

  /** Adds an alarm whose name begins with that of the service. */
  add(id: string, what: string, props: Omit<ServiceAlarmProps, 'alarmName' | 'runbooks'>): ServiceAlarm {
    const { service, settings } = this.#watched;
    return new ServiceAlarm(this, id, {
      ...props,
      alarmName: alarmNamed(service, what),
      runbooks: settings.runbooks,
    });
  }

  #provisionings(source: EventSource): void {
    const runbook = 'provisionings-fail';
    this.add('SystemFailures', 'system-failures', {
      happened: `Provisionings fail at ${source} for a reason that lies in the system: its code, its permissions, its configuration.`,
      means:
        'What failed is undone, but everybody who asks for a user may get the same until it is repaired.',
      first: 'npx provision list --failed --since 1h',
      runbook,
      // It does not pass by itself, so the first one is enough.
      metric: ownMetric('systemFailures', { source }, { statistic: Stats.SUM }),
    });
    this.add('DependencyFailures', 'dependency-failures', {
      happened: `Provisionings fail at ${source} because something else is not there in time: AWS, or the other service.`,
      means: 'What failed is undone, and the same request may succeed later.',
      first: 'npx provision list --failed --since 1h',
      runbook,
      // Each one is the end of minutes of retries: a single one may be bad luck, three in a quarter of an hour are not.
      metric: ownMetric('dependencyFailures', { source }, { statistic: Stats.SUM, minutes: 15 }),
      threshold: 3,
    });
    this.add('Interventions', 'interventions', {
      happened: `Somebody with permissions in the account has stopped or redriven provisionings of ${source} by hand, or removed their users.`,
      means:
        'Those provisionings are undone. If nobody of you did it, somebody has permissions that they should not have.',
      first: 'npx provision list --failed --since 1h',
      runbook,
      // Nothing of this happens without a person, so the first one is worth a look.
      metric: ownMetric('interventionFailures', { source }, { statistic: Stats.SUM }),
    });
    const service = this.#watched.service;
    this.add('EventsNotPublished', 'events-not-published', {
      happened: `Audit events of ${source} could not be published, three attempts or more within five minutes.`,
      means:
        'While it lasts, users are not kept, since there would be no record of them; roll-backs stay unannounced.',
      first: 'npx provision doctor',
      runbook: 'events-not-published',
      // One or two are the throttling that retries are for.
      metric: ownMetric(
        service === 'app1' ? 'app1EventsNotPublished' : 'app2EventsNotPublished',
        {},
        { statistic: Stats.SUM },
      ),
      threshold: 3,
    });
  }

  #rollBacks(source: EventSource): void {
    const runbook = 'roll-back-failed';
    const first = 'npx provision doctor';
    const means =
      'A user may be left that nobody wants, and who can sign in. The sweep tries again every five minutes.';
    const ended = (name: 'ExecutionsFailed' | 'ExecutionsTimedOut') =>
      awsMetric(
        'AWS/States',
        name,
        { StateMachineArn: this.#watched.rollBackMachineArn },
        { statistic: Stats.SUM },
      );
    this.add('RollBackFailed', 'roll-back-failed', {
      happened: `A roll-back of ${source} has used up its retries.`,
      means,
      first,
      runbook,
      metric: ownMetric('rollBacksFailed', { source }, { statistic: Stats.SUM }),
      periods: FOR_AN_HOUR,
    });
    this.add('RollBackEndedBadly', 'roll-back-ended-badly', {
      happened: `An execution of the roll-back machine of ${source} has failed: undone but not announced, or not undone.`,
      means,
      first,
      runbook,
      // Also what nobody could announce: a missing right, a crash, a bus that refuses.
      metric: ended('ExecutionsFailed'),
      periods: FOR_AN_HOUR,
    });
    this.add('RollBackTimedOut', 'roll-back-timed-out', {
      happened: `An execution of the roll-back machine of ${source} has run into its time limit.`,
      means,
      first,
      runbook,
      metric: ended('ExecutionsTimedOut'),
      periods: FOR_AN_HOUR,
    });
  }

  #sweep(): void {
    const service = this.#watched.sweep;
    this.add('SweepMissing', 'sweep-missing', {
      happened: `${service} has not completed for 15 minutes, three runs in a row. Also raised until its first run after the first deployment.`,
      means:
        'Executions that end badly unseen are not rolled back, failed roll-backs are not tried again, nobody looks at the bus.',
      first: 'npx provision doctor',
      runbook: 'sweep-stopped',
      metric: ownMetric('sweepCompleted', { service }, { statistic: Stats.SUM }),
      below: true,
      periods: { bad: 3, of: 3 },
      missing: TreatMissingData.BREACHING,
    });
    this.add('SweepLeft', 'sweep-left', {
      happened: `Three times in a row, ${service} has found executions that it could not settle.`,
      means: 'Their users may be left; everything else goes on, and it tries again every five minutes.',
      first: 'npx provision doctor',
      runbook: 'sweep-stopped',
      // Once may be a throttled look, or more than one run has time for.
      metric: ownMetric('sweepLeft', { service }, { statistic: Stats.MAXIMUM }),
      periods: { bad: 3, of: 3 },
      // While nobody looks, nobody knows: the alarm stays as it was.
      missing: TreatMissingData.IGNORE,
    });
    const hangsAfter = HANGS_AFTER_MINUTES[this.#watched.service];
    this.add('Hangs', 'provisionings-hang', {
      happened: `A provisioning or roll-back has been running for ${hangsAfter} minutes; seconds are usual.`,
      means:
        'It waits for something that does not come back. It ends by itself, undone: when that is back, or at its time limit.',
      first: 'npx provision list --status RUNNING --since 48h',
      runbook: 'provisionings-hang',
      metric: ownMetric('oldestRunning', { service }, { statistic: Stats.MAXIMUM }),
      threshold: hangsAfter * 60,
      missing: TreatMissingData.IGNORE,
    });
  }

  #api(): void {
    const { name, stage } = this.#watched.api;
    this.add('ApiErrors', 'api-errors', {
      happened: `The API ${name} has answered with 5xx three times or more within five minutes.`,
      means: 'Callers are turned away. What was accepted before goes on.',
      first: 'npx provision doctor',
      runbook: 'api-errors',
      // One or two pass with the caller's own retry.
      metric: awsMetric(
        'AWS/ApiGateway',
        '5XXError',
        { ApiName: name, Stage: stage },
        { statistic: Stats.SUM },
      ),
      threshold: 3,
    });
  }

  #limits(): void {
    this.add('FunctionsThrottled', 'functions-throttled', {
      happened: 'Lambda has refused ten calls or more within five minutes, of any function of the account.',
      means:
        'Functions share the concurrency of the account, so ours wait, too: steps are retried, API calls fail.',
      first: 'npx provision list --status RUNNING --since 48h',
      runbook: 'throttling',
      // Some are what retries are for.
      metric: awsMetric('AWS/Lambda', 'Throttles', {}, { statistic: Stats.SUM }),
      threshold: 10,
    });
  }
}
