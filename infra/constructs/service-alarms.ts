import { TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { sourceOf } from '../../contracts/events/catalogue.ts';
import type { ServiceKind } from '../../contracts/services.ts';
import { timeLimits } from '../../contracts/time-limits.ts';
import { awsMetric, ownMetric, Stats } from '../metrics.ts';
import { alarmNamed } from '../names.ts';
import type { ServiceSettings } from '../service-settings.ts';
import { ServiceAlarm, type ServiceAlarmProps } from './service-alarm.ts';

/** The resources that the alarms of a service monitor. */
export interface MonitoredService {
  kind: ServiceKind;
  /** Name of the service. */
  service: string;
  /** Name of the sweep function. */
  sweep: string;
  /** ARN of the roll-back state machine. */
  rollBackMachineArn: string;
  api: { name: string; stage: string };
  settings: ServiceSettings;
}

/**
 * Age of a running execution in minutes that raises the alarm: half an hour longer than a step may wait. At App1 this is
 * the wait for a target, and at App2 a compensation. A compensation of App1 may wait longer than the alarm, because then
 * an operator has to check the target.
 */
const HANGS_AFTER_MINUTES = {
  app1: timeLimits.outage / 60 + 30,
  app2: timeLimits.compensation / 60 + 30,
} as const satisfies Record<ServiceKind, number>;

/**
 * Keeps an alarm raised for an hour after a breach: the sweep retries a roll-back every five minutes, and an attempt may
 * wait for an hour before it fails again.
 */
const RAISED_FOR_AN_HOUR = { breaching: 1, evaluated: 12 };

/** The alarms that both services have. The constructs of the dead-letter queue and of the bus add their own. */
export class ServiceAlarms extends Construct {
  readonly #monitored: MonitoredService;

  constructor(scope: Construct, id: string, monitored: MonitoredService) {
    super(scope, id);
    this.#monitored = monitored;
    this.#addFailureAlarms(sourceOf(monitored.service));
    this.#addRollBackAlarms(sourceOf(monitored.service));
    this.#addSweepAlarms();
    this.#addApiAlarm();
    this.#addThrottlingAlarm();
  }

  /** Adds an alarm. Its name starts with the name of the service. */
  add(id: string, what: string, props: Omit<ServiceAlarmProps, 'alarmName' | 'runbooks'>): ServiceAlarm {
    const { service, settings } = this.#monitored;
    return new ServiceAlarm(this, id, {
      ...props,
      alarmName: alarmNamed(service, what),
      runbooks: settings.runbooks,
    });
  }

  #addFailureAlarms(source: string): void {
    const runbook = 'provisionings-fail';
    this.add('SystemFailures', 'system-failures', {
      condition: `Provisionings fail at ${source} because of the system itself: its code, its permissions or its configuration.`,
      impact:
        'Failed provisionings are compensated, but further ones may fail in the same way until the cause is fixed.',
      firstCommand: 'npx provision list --failed --since 1h',
      runbook,
      // The cause does not resolve itself, so one failure raises the alarm.
      metric: ownMetric('systemFailures', { source }, { statistic: Stats.SUM }),
    });
    this.add('DependencyFailures', 'dependency-failures', {
      condition: `Three provisionings or more have failed at ${source} within 15 minutes because AWS or the other service was unavailable.`,
      impact: 'Failed provisionings are compensated. Callers can send the same request again later.',
      firstCommand: 'npx provision list --failed --since 1h',
      runbook,
      // Each failure follows minutes of retries: one can be a coincidence, three in 15 minutes are an outage.
      metric: ownMetric('dependencyFailures', { source }, { statistic: Stats.SUM, minutes: 15 }),
      threshold: 3,
    });
    this.add('Interventions', 'interventions', {
      condition: `A principal with permissions in the account has stopped or redriven executions of ${source} by hand, or has deleted users.`,
      impact:
        'Those provisionings are compensated. If no operator of your team did it, the principal has permissions that it should not have.',
      firstCommand: 'npx provision list --failed --since 1h',
      runbook,
      // Only a manual intervention causes this, so one failure raises the alarm.
      metric: ownMetric('interventionFailures', { source }, { statistic: Stats.SUM }),
    });
    const service = this.#monitored.service;
    this.add('EventsNotPublished', 'events-not-published', {
      condition: `Three attempts or more to publish audit events of ${source} have failed within five minutes.`,
      impact:
        'While publishing fails, new users are removed again, because they would have no audit record. Roll-backs are not published.',
      firstCommand: 'npx provision doctor',
      runbook: 'events-not-published',
      // Retries handle one or two throttled attempts.
      metric: ownMetric('eventsNotPublished', { service }, { statistic: Stats.SUM }),
      threshold: 3,
    });
  }

  #addRollBackAlarms(source: string): void {
    const runbook = 'roll-back-failed';
    const firstCommand = 'npx provision doctor';
    const impact =
      'A user may remain that was not provisioned and that can sign in. The sweep retries every five minutes.';
    const executions = (name: 'ExecutionsFailed' | 'ExecutionsTimedOut') =>
      awsMetric(
        'AWS/States',
        name,
        { StateMachineArn: this.#monitored.rollBackMachineArn },
        { statistic: Stats.SUM },
      );
    this.add('RollBackFailed', 'roll-back-failed', {
      condition: `A compensation or roll-back of ${source} has exhausted its retries.`,
      impact,
      firstCommand,
      runbook,
      metric: ownMetric('rollBacksFailed', { source }, { statistic: Stats.SUM }),
      periods: RAISED_FOR_AN_HOUR,
    });
    this.add('RollBackExecutionFailed', 'roll-back-execution-failed', {
      condition: `An execution of the roll-back state machine of ${source} has failed: it has not removed the user, or has not published the outcome.`,
      impact,
      firstCommand,
      runbook,
      // Counts the failures that could not be published, too: a missing permission, a crash, a bus that rejects events.
      metric: executions('ExecutionsFailed'),
      periods: RAISED_FOR_AN_HOUR,
    });
    this.add('RollBackTimedOut', 'roll-back-timed-out', {
      condition: `An execution of the roll-back state machine of ${source} has timed out.`,
      impact,
      firstCommand,
      runbook,
      metric: executions('ExecutionsTimedOut'),
      periods: RAISED_FOR_AN_HOUR,
    });
  }

  #addSweepAlarms(): void {
    const service = this.#monitored.sweep;
    this.add('SweepMissing', 'sweep-missing', {
      condition: `${service} has not completed for 15 minutes (three runs in a row). After the first deployment, the alarm is raised until the first run.`,
      impact:
        'Failed executions whose event was lost are not rolled back, failed roll-backs are not retried, and the bus is not checked.',
      firstCommand: 'npx provision doctor',
      runbook: 'sweep-stopped',
      metric: ownMetric('sweepCompleted', { service }, { statistic: Stats.SUM }),
      below: true,
      periods: { breaching: 3, evaluated: 3 },
      treatMissingData: TreatMissingData.BREACHING,
    });
    this.add('SweepIncomplete', 'sweep-incomplete', {
      condition: `Three times in a row, ${service} could not finish at least one failed execution.`,
      impact:
        'The users of those executions may remain. The sweep continues with all others and retries every five minutes.',
      firstCommand: 'npx provision doctor',
      runbook: 'sweep-stopped',
      // A single run can be throttled, or have more executions than time.
      metric: ownMetric('sweepRemaining', { service }, { statistic: Stats.MAXIMUM }),
      periods: { breaching: 3, evaluated: 3 },
      // Without a run of the sweep the state is unknown: the alarm keeps its state.
      treatMissingData: TreatMissingData.IGNORE,
    });
    const hangsAfter = HANGS_AFTER_MINUTES[this.#monitored.kind];
    this.add('Hangs', 'provisionings-hang', {
      condition: `A provisioning or roll-back has been running for ${hangsAfter} minutes. Seconds are usual.`,
      impact:
        'It waits for an unavailable dependency. It finishes by itself when the dependency is available again, or fails and is compensated when its retries are exhausted.',
      firstCommand: 'npx provision list --status RUNNING --since 48h',
      runbook: 'provisionings-hang',
      metric: ownMetric('oldestRunningAge', { service }, { statistic: Stats.MAXIMUM }),
      threshold: hangsAfter * 60,
      treatMissingData: TreatMissingData.IGNORE,
    });
  }

  #addApiAlarm(): void {
    const { name, stage } = this.#monitored.api;
    this.add('ApiErrors', 'api-errors', {
      condition: `The API ${name} has returned three responses or more with a 5xx status within five minutes.`,
      impact: 'Requests of callers fail. Accepted provisionings continue.',
      firstCommand: 'npx provision doctor',
      runbook: 'api-errors',
      // The caller's own retry handles one or two.
      metric: awsMetric(
        'AWS/ApiGateway',
        '5XXError',
        { ApiName: name, Stage: stage },
        { statistic: Stats.SUM },
      ),
      threshold: 3,
    });
  }

  #addThrottlingAlarm(): void {
    this.add('FunctionsThrottled', 'functions-throttled', {
      condition:
        'Lambda has throttled ten invocations or more of functions of this account within five minutes.',
      impact:
        'All functions share the concurrency of the account: steps are retried, and API requests can fail.',
      firstCommand: 'npx provision list --status RUNNING --since 48h',
      runbook: 'throttling',
      // Retries handle a few.
      metric: awsMetric('AWS/Lambda', 'Throttles', {}, { statistic: Stats.SUM }),
      threshold: 10,
    });
  }
}
