import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { templates } from '../../infra/templates.ts';

/** docs/runbooks/README.md: every runbook, and the alarms that lead to it. */

export const runbooksPage = 'docs/runbooks/README.md';

const folder = join(import.meta.dirname, '..', 'runbooks');
const alarm = z.looseObject({ AlarmName: z.string(), AlarmDescription: z.string().optional() });

export function runbooksDocument(): string {
  const alarms = Object.values(templates({ target: 'aws' })).flatMap(({ Resources }) =>
    Object.values(Resources)
      .filter(({ Type }) => /^AWS::CloudWatch::(Composite)?Alarm$/.test(Type))
      .map(({ Properties }) => alarm.parse(Properties)),
  );
  const rows = readdirSync(folder)
    .filter((file) => file.endsWith('.md') && file !== 'README.md')
    .sort()
    .map((file) => {
      const title = /^# (.*)$/m.exec(readFileSync(join(folder, file), 'utf8'))?.[1] ?? file;
      const leading = alarms
        .filter(({ AlarmDescription = '' }) => AlarmDescription.includes(`docs/runbooks/${file}`))
        .map(({ AlarmName }) => `\`${AlarmName}\``);
      return `| [${title}](${file}) | ${leading.join(', ') || 'none: begun by a person'} |`;
    });
  return `# Runbooks

Generated from this folder and from the alarms that are deployed; do not edit. \`npm run generate\` writes it again.
\`npx provision doctor\` says which alarms are raised, and which of these pages to open.

| Runbook | Alarms |
|---|---|
${rows.join('\n')}
`;
}
