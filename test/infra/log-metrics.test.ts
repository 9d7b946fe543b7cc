import { describe, expect, it } from '@jest/globals';
import * as z from 'zod';
import { events } from '../../contracts/events/catalogue.ts';
import { documentedFailures } from '../../contracts/failures.ts';
import { serviceKinds } from '../../contracts/services.ts';
import { type Metric, metrics, NAMESPACE, seriesOf } from '../../handlers/shared/metrics.ts';
import { templates } from '../../infra/templates.ts';
import { golden, machineNames, tasks } from '../support/golden.ts';
import { resources } from '../support/resources.ts';

const made = templates({ environment: 'aws' });

const metricFilter = z.object({
  FilterPattern: z.string(),
  MetricTransformations: z.tuple([
    z.object({
      MetricName: z.string(),
      MetricNamespace: z.string(),
      Unit: z.string(),
      Dimensions: z.array(z.object({ Key: z.string(), Value: z.string() })).default([]),
    }),
  ]),
});
const filtersOf = (service: (typeof serviceKinds)[number]) =>
  resources(made[service], 'AWS::Logs::MetricFilter').map(([, { Properties }]) => {
    const { FilterPattern, MetricTransformations } = metricFilter.parse(Properties);
    return { pattern: FilterPattern, ...MetricTransformations[0] };
  });
const keys = Object.keys(metrics) as (keyof typeof metrics)[]; // of a constant: just these
const ofTable: Record<string, Metric> = metrics;
/** Rows of the table by the metric's name at a service. */
const rowsOf = (service: string) =>
  new Map(
    keys
      .filter((key) => [undefined, service].includes(ofTable[key]?.only))
      .map((key) => [seriesOf(key, { service }).name, metrics[key]]),
  );

/** The metric filters of a service that match an event with this name, code and target. */
const counting = (
  service: (typeof serviceKinds)[number],
  name: string,
  { code, target }: { code?: string; target?: string } = {},
) =>
  filtersOf(service)
    .filter(
      ({ pattern }) =>
        pattern.includes(`"${name}"`) &&
        (target !== undefined || !pattern.includes('failure.target')) &&
        (!pattern.includes('failure.code') ||
          (code !== undefined && (pattern.includes(`"${code}"`) || pattern.includes('code = *')))),
    )
    .map(({ MetricName }) => MetricName)
    .sort();

describe.each(serviceKinds)('the metrics from the logs of %s', (service) => {
  it('have the dimensions and units of the table, and every counted line has the dimensions', () => {
    const filters = filtersOf(service);
    const rows = rowsOf(service);
    const expected = [...rows].flatMap(([name, { from }]) => (from === 'function' ? [] : [name]));

    expect(new Set(filters.map(({ MetricName }) => MetricName))).toEqual(new Set(expected));
    for (const { MetricName, MetricNamespace, Unit, Dimensions, pattern } of filters) {
      const row = rows.get(MetricName);
      expect([MetricNamespace, Unit]).toEqual([NAMESPACE, row?.unit]);
      expect(Dimensions.map(({ Key }) => Key)).toEqual(
        row?.dimensions.filter((name) => row.from !== 'state-machines' || name !== 'service'),
      );
      for (const { Value } of Dimensions) expect(pattern).toContain(Value);
      expect(pattern.length).toBeLessThanOrEqual(1024);
    }
  });

  it('count each event of a provisioning in its metric', () => {
    const own = Object.entries(events).filter(
      ([, { publisher, about }]) => publisher === service && about === 'provisioning',
    );
    const counted = Object.fromEntries(own.map(([name]) => [name, counting(service, name)]));
    const ended = ['ProvisioningsFinished'];

    expect(counted).toEqual(
      service === 'app1'
        ? {
            ServiceUserProvisioningRequested: [],
            ServiceUserProvisioned: ended,
            ServiceUserProvisioningRollBackFailed: ['RollBacksFailed'],
            ServiceUserProvisioningFailed: ended,
            ServiceUserProvisioningCancelled: ended,
            ServiceUserDeprovisioned: ended,
          }
        : {
            ServiceUserCreated: ended,
            ServiceUserCreationRejected: ended,
            ServiceUserRollBackFailed: ['RollBacksFailed'],
            ServiceUserCreationRolledBack: ended,
            ServiceUserCreationCancelled: ended,
            ServiceUserRemoved: ended,
          },
    );
  });

  it.each(documentedFailures())('count %s once by code and once by category', (_name, row) => {
    const failed = service === 'app1' ? 'ServiceUserProvisioningFailed' : 'ServiceUserCreationRolledBack';
    const whose = {
      caller: 'CallerFailures',
      dependency: 'DependencyFailures',
      system: 'SystemFailures',
      intervention: 'InterventionFailures',
    }[row.class];

    expect(counting(service, failed, { code: row.code })).toEqual(
      ['ProvisioningsFinished', 'ProvisioningsFailed', whose].sort(),
    );
  });
});

it('count a failure at a target once more by target, at App1 only', () => {
  const failure = { code: 'TARGET_UNAVAILABLE', target: 'payments' };
  const names = ['ServiceUserProvisioningFailed', 'ServiceUserCreationRolledBack'];

  const [atApp1, atApp2] = serviceKinds.map((service, n) => counting(service, names[n] ?? '', failure));

  const both = ['DependencyFailures', 'ProvisioningsFailed', 'ProvisioningsFinished'];
  expect(atApp1).toEqual([...both, 'ProvisioningsFailedAtTarget'].sort());
  expect(atApp2).toEqual(both);
});

// The log entry of a rejected redrive has no resourceType: test/local-aws/cloudwatch.test.ts.
it.each(serviceKinds)(
  'an event of %s that a rejected redrive does not publish does not count as a failed attempt',
  (service) => {
    const { name } = seriesOf('eventsNotPublished', { service });
    const patterns = filtersOf(service).flatMap(({ MetricName, pattern }) =>
      MetricName === name ? [pattern] : [],
    );

    expect(patterns.length).toBeGreaterThan(0);
    for (const pattern of patterns) {
      expect(pattern).toContain('$.details.resourceType = "events"');
      expect(pattern).not.toContain('EvaluationFailed');
    }
  },
);

it('the state machines contain the first states of the compensations that are counted', () => {
  const compensations = machineNames.map((name) =>
    tasks(golden(name)).flatMap(([state]) =>
      /^(CancelUserCreation|DeleteUser)$/.test(state) ? [state] : [],
    ),
  );

  expect(compensations.map((states) => states.length)).toEqual(machineNames.map(() => 1));
});
