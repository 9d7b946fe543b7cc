import { definitions } from './definitions.ts';
import { diagram } from './diagram.ts';

/** All files that are generated from the workflows: content by path, relative to the project's root. */
export function generatedFromWorkflows(): Record<string, string> {
  const machines = Object.entries(definitions()).sort(([a], [b]) => a.localeCompare(b));
  const golden = machines.map(([name, machine]) => [
    `test/workflows/golden/${name}.asl.json`,
    `${JSON.stringify(machine, null, 2)}\n`,
  ]);
  const chapters = machines.map(
    ([name, machine]) => `## ${name}\n\n${machine.Comment}.\n\n\`\`\`mermaid\n${diagram(machine)}\n\`\`\`\n`,
  );
  return { ...Object.fromEntries(golden), 'docs/workflows.md': `${INTRODUCTION}\n${chapters.join('\n')}` };
}

const INTRODUCTION = `# Workflows

Generated from the deployed definitions by \`npm run generate\`; do not edit. Thick arrows show the successful path and the next
step of a compensation. Dotted arrows show where an error leads after the step has exhausted its retries.
`;
