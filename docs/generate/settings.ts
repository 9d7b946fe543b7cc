import * as z from 'zod';
import { context } from '../../infra/settings.ts';

/** docs/settings.md, from the page of settings in the code. */

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
      default: otherwise,
    } = kind.parse(z.toJSONSchema(schema, { io: 'input' }));
    const of = values === undefined ? '' : values.map((value) => `\`${value}\``).join(', ');
    return `| \`${name}\` | ${of} | ${shown(otherwise)} | ${description} |`;
  });
  return `# Settings

Generated from [infra/settings.ts](../infra/settings.ts); do not edit. \`npm run generate\` writes it again.

Each is a value of CDK's context: \`npx cdk deploy -c name=value\`, or \`"context"\` in \`cdk.json\`, which no deployment forgets.
What is not valid stops the synthesis, with all that is wrong; so does a name that is not a setting.

| Setting | Values | Without it | Meaning |
|---|---|---|---|
${rows.join('\n')}
`;
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? 'none' : shown(value.join(','));
  return value === undefined ? 'none' : `\`${value}\``;
}
