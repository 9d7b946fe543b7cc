import { metricMeanings, metrics, NAMESPACE } from '../../handlers/shared/metrics.ts';

/** docs/metrics.md, from the table of metrics. */
export const metricsPage = 'docs/metrics.md';

const measuredBy = {
  facts: [
    'From the audit events',
    'Counted by metric filters on the logs of the buses. An event that was published again is counted again.',
  ],
  machines: ['From the logs of the state machines', 'Counted by metric filters.'],
  function: [
    'From functions',
    'Written into the log in the embedded metric format. `service` is the name of the function.',
  ],
} as const;

const keys = Object.keys(metrics) as (keyof typeof metrics)[]; // of a constant: just these

export function metricsDocument(): string {
  const chapters = (['facts', 'machines', 'function'] as const).map((from) => {
    const [title, how] = measuredBy[from];
    const rows = keys
      .map((key) => [key, metrics[key]] as const)
      .filter(([, metric]) => metric.from === from)
      .map(([key, { name, unit, dimensions }]) => {
        const apart = dimensions.map((dimension) => `\`${dimension}\``).join(' ') || 'none';
        return `| \`${name}\` | ${apart} | ${unit} | ${metricMeanings[key]} |`;
      });
    return `## ${title}\n\n${how}\n\n| Metric | Dimensions | Unit | Meaning |\n|---|---|---|---|\n${rows.join('\n')}\n`;
  });
  return `# Metrics

Generated from [the table](../handlers/shared/metrics.ts); do not edit. \`npm run generate\` writes this page again.

All are in the namespace \`${NAMESPACE}\`. What AWS measures by itself is not counted again: executions by their end and
duration (\`AWS/States\`), invocations, errors and throttles of functions (\`AWS/Lambda\`), requests, latency and errors of
the APIs (\`AWS/ApiGateway\`). A metric without data has no zeros: alarms treat what is missing as not breaching.

${chapters.join('\n')}`;
}
