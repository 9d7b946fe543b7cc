import { metricDescriptions, metrics, NAMESPACE, seriesOf } from '../../handlers/shared/metrics.ts';

/** Generates docs/metrics.md from the table of metrics. */
export const metricsPage = 'docs/metrics.md';

const measuredBy = {
  'audit-events': [
    'From the audit events',
    'Metric filters on the logs of the buses count the events. An event that was published twice counts twice.',
  ],
  'state-machines': [
    'From the logs of the state machines',
    'Metric filters count the log lines. A metric filter has no constant dimension, so the name of a metric starts with the name of the service: `App1EventsNotPublished`.',
  ],
  function: [
    'From functions',
    'The functions write them into their logs in the embedded metric format. `service` is the name of the function.',
  ],
} as const;

const keys = Object.keys(metrics) as (keyof typeof metrics)[]; // the keys of a const object

export function metricsDocument(): string {
  const chapters = (['audit-events', 'state-machines', 'function'] as const).map((from) => {
    const [title, how] = measuredBy[from];
    const rows = keys
      .map((key) => [key, metrics[key]] as const)
      .filter(([, metric]) => metric.from === from)
      .map(([key, { unit, dimensions: names }]) => {
        const values = Object.fromEntries(names.map((dimension) => [dimension, `{${dimension}}`]));
        const { name, dimensions } = seriesOf(key, {
          ...values,
          ...(from === 'state-machines' ? { service: '{Service}' } : {}),
        });
        const formatted =
          Object.keys(dimensions)
            .map((dimension) => `\`${dimension}\``)
            .join(' ') || 'none';
        return `| \`${name}\` | ${formatted} | ${unit} | ${metricDescriptions[key]} |`;
      });
    return `## ${title}\n\n${how}\n\n| Metric | Dimensions | Unit | Meaning |\n|---|---|---|---|\n${rows.join('\n')}\n`;
  });
  return `# Metrics

Generated from [the table](../handlers/shared/metrics.ts) by \`npm run generate\`; do not edit.

All metrics are in the namespace \`${NAMESPACE}\`. AWS itself provides the metrics of executions (\`AWS/States\`), functions
(\`AWS/Lambda\`) and APIs (\`AWS/ApiGateway\`). A metric without data has no zeros: alarms treat missing data as not breaching.

${chapters.join('\n')}`;
}
