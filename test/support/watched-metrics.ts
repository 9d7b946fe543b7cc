import * as z from 'zod';
import type { Template } from '../../infra/templates.ts';
import { resources } from './resources.ts';

/** A metric of an alarm or a dashboard in a template. */
export interface WatchedMetric {
  by: string;
  namespace: string;
  name: string;
  /** Values by name; a reference is written as `<logical id>`. */
  dimensions: Record<string, string>;
}

const reference = z.union([
  z.string(),
  z.object({ Ref: z.string() }).transform(({ Ref }) => `<${Ref}>`),
  z
    .object({ 'Fn::GetAtt': z.tuple([z.string(), z.string()]) })
    .transform((get) => `<${get['Fn::GetAtt'][0]}>`),
]);
const joined = z
  .object({ 'Fn::Join': z.tuple([z.literal(''), z.array(reference)]) })
  .transform((join) => join['Fn::Join'][1].join(''));

const alarm = z.object({
  AlarmName: z.string(),
  AlarmDescription: z.string(),
  Namespace: z.string(),
  MetricName: z.string(),
  Dimensions: z.array(z.object({ Name: z.string(), Value: reference })).default([]),
  AlarmActions: z.array(reference),
  OKActions: z.array(reference),
  Threshold: z.number(),
  Period: z.int(),
  EvaluationPeriods: z.int(),
  TreatMissingData: z.string(),
});
export type DeployedAlarm = z.infer<typeof alarm>;

export const alarmsOf = (template: Template): DeployedAlarm[] =>
  resources(template, 'AWS::CloudWatch::Alarm').map(([, { Properties }]) => alarm.parse(Properties));

export const metricsOfAlarms = (template: Template): WatchedMetric[] =>
  alarmsOf(template).map(({ AlarmName, Namespace, MetricName, Dimensions }) => ({
    by: AlarmName,
    namespace: Namespace,
    name: MetricName,
    dimensions: Object.fromEntries(Dimensions.map(({ Name, Value }) => [Name, Value])),
  }));

const widget = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text'), properties: z.looseObject({ markdown: z.string() }) }),
  z.object({ type: z.literal('alarm'), properties: z.looseObject({ alarms: z.array(z.string()) }) }),
  z.object({
    type: z.literal('metric'),
    properties: z.looseObject({
      title: z.string(),
      metrics: z.array(z.array(z.union([z.string(), z.looseObject({ expression: z.string().optional() })]))),
    }),
  }),
]);
const dashboard = z.object({ DashboardBody: joined });

export function widgetsOf(template: Template): z.infer<typeof widget>[] {
  const [[, { Properties }] = ['', { Properties: {} }]] = resources(template, 'AWS::CloudWatch::Dashboard');
  const body: unknown = JSON.parse(dashboard.parse(Properties).DashboardBody);
  return z.object({ widgets: z.array(widget) }).parse(body).widgets;
}

const SEARCH = /^SEARCH\('\{([^}]+)\} MetricName="(\w+)" \(([^)]+)\)', '[\w.]+', \d+\)$/;

/** A search as metrics: one for each value, the other dimensions as `*`. @throws Error if it is not a search */
function searched(by: string, expression: string): WatchedMetric[] {
  const [, schema = '', name = '', terms = ''] = SEARCH.exec(expression) ?? [];
  const [namespace = '', ...dimensions] = schema.split(',');
  if (namespace === '') throw new Error(`${by}: not a search: ${expression}`);
  return terms.split(' OR ').map((term) => {
    const [, key = '', value = ''] = /^(\w+)="([^"]+)"$/.exec(term) ?? [];
    if (!dimensions.includes(key)) throw new Error(`${by}: ${key} is no dimension of ${expression}`);
    return {
      by,
      namespace,
      name,
      dimensions: Object.fromEntries(dimensions.map((one) => [one, one === key ? value : '*'])),
    };
  });
}

export const metricsOfDashboard = (template: Template): WatchedMetric[] =>
  widgetsOf(template).flatMap((one) => {
    if (one.type !== 'metric') return [];
    const { title, metrics } = one.properties;
    return metrics.flatMap((line) => {
      const texts = line.filter((part) => typeof part === 'string');
      const expression = line.flatMap((part) => (typeof part === 'string' ? [] : [part.expression]))[0];
      if (expression !== undefined) return searched(title, expression);
      const [namespace = '', name = '', ...pairs] = texts;
      const dimensions: Record<string, string> = {};
      for (let at = 0; at < pairs.length; at += 2) dimensions[pairs[at] ?? ''] = pairs[at + 1] ?? '';
      return [{ by: title, namespace, name, dimensions }];
    });
  });
