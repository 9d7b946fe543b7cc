import * as z from 'zod';
import { context } from '../../infra/settings.ts';

/** Generates docs/settings.md from the schema of the settings. */

export const settingsPage = 'docs/settings.md';

const kind = z.looseObject({
  default: z.unknown().optional(),
  description: z.string(),
  enum: z.array(z.string()).optional(),
});

export function settingsDocument(): string {
  const rows = Object.entries(context.in.shape).map(([name, schema]) => {
    const {
      description,
      enum: values,
      default: defaultValue,
    } = kind.parse(z.toJSONSchema(schema, { io: 'input' }));
    const allowed = values === undefined ? '' : values.map((value) => `\`${value}\``).join(', ');
    return `| \`${name}\` | ${allowed} | ${formatDefault(defaultValue)} | ${description} |`;
  });
  return `# Settings

Generated from [infra/settings.ts](../infra/settings.ts) by \`npm run generate\`; do not edit.

A setting is a value of CDK's context: \`npx cdk deploy -c name=value\` for one deployment, or \`"context"\` in \`cdk.json\` for all.
If a value is invalid or a name is not a setting, the synthesis fails and lists all errors.

| Setting | Values | Default | Meaning |
|---|---|---|---|
${rows.join('\n')}
`;
}

function formatDefault(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? 'none' : formatDefault(value.join(','));
  return value === undefined ? 'none' : `\`${value}\``;
}
