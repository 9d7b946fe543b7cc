import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { templates } from '../../infra/templates.ts';

/** Generates docs/runbooks/README.md: every runbook with its alarms. */

export const runbooksPage = 'docs/runbooks/README.md';

const folder = join(import.meta.dirname, '..', 'runbooks');
const alarm = z.looseObject({ AlarmName: z.string(), AlarmDescription: z.string().optional() });

export function runbooksDocument(): string {
  const alarms = Object.values(templates({ environment: 'aws' })).flatMap(({ Resources }) =>
    Object.values(Resources)
      .filter(({ Type }) => /^AWS::CloudWatch::(Composite)?Alarm$/.test(Type))
      .map(({ Properties }) => alarm.parse(Properties)),
  );
  const rows = readdirSync(folder)
    .filter((file) => file.endsWith('.md') && file !== 'README.md')
    .sort()
    .map((file) => {
      const title = /^# (.*)$/m.exec(readFileSync(join(folder, file), 'utf8'))?.[1] ?? file;
      const alarmNames = alarms
        .filter(({ AlarmDescription = '' }) => AlarmDescription.includes(`docs/runbooks/${file}`))
        .map(({ AlarmName }) => `\`${AlarmName}\``);
      return `| [${title}](${file}) | ${alarmNames.join(', ') || 'none'} |`;
    });
  return `# Runbooks

Generated from this folder and from the deployed alarms by \`npm run generate\`; do not edit.
\`npx provision doctor\` lists the raised alarms with their runbooks. A runbook without an alarm is followed on demand.
The names with \`app2\` are those of App2, the first target; those of another target contain its name instead.

| Runbook | Alarms |
|---|---|
${rows.join('\n')}
`;
}
