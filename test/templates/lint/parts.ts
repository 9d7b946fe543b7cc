import type { ServiceKind } from '../../../contracts/services.ts';
import type { Template } from '../../../infra/templates.ts';

/** A template to lint, or its new parts. */
export interface Part {
  name: string;
  template: unknown;
}

/**
 * What has to be linted of many templates of the same stacks: each first one as a whole, and of the others the resources
 * and outputs that none before had, with all that they refer to. `whole` names those that are linted as a whole, too.
 */
export function partsOf(
  templates: readonly { name: string; of: Record<ServiceKind, Template> }[],
  whole: readonly string[],
): Part[] {
  const seen = new Set<string>();
  return templates.flatMap(({ name, of }, index) =>
    Object.entries(of).flatMap(([service, template]) => {
      const fresh = unseen(template, service, seen);
      const part = { name: `${service} with ${name}` };
      if (index === 0 || whole.includes(name)) return [{ ...part, template }];
      return fresh.size === 0 ? [] : [{ ...part, template: reduced(template, fresh) }];
    }),
  );
}

const sections = ['Parameters', 'Conditions', 'Resources', 'Outputs'] as const;
const sectionOf = (template: Template, section: string): Record<string, unknown> =>
  Object.fromEntries(Object.entries(template[section] ?? {}));

/** Names of the parts of a template that are not in `seen`; adds them to it. */
function unseen(template: Template, service: string, seen: Set<string>): Set<string> {
  const fresh = new Set<string>();
  for (const section of ['Resources', 'Outputs'])
    for (const [name, value] of Object.entries(sectionOf(template, section))) {
      const content = `${service} ${name} ${JSON.stringify(value)}`;
      if (!seen.has(content)) fresh.add(name);
      seen.add(content);
    }
  return fresh;
}

/** The template reduced to the named parts and what they reference. */
function reduced(template: Template, names: Set<string>): unknown {
  const all = Object.assign({}, ...sections.map((section) => sectionOf(template, section)));
  const kept = new Set(names);
  // Iterating a set includes the elements that are added meanwhile.
  for (const name of kept) for (const to of referencesIn(all[name])) if (to in all) kept.add(to);
  const only = (section: string) =>
    Object.fromEntries(Object.entries(sectionOf(template, section)).filter(([name]) => kept.has(name)));
  return Object.fromEntries(
    sections.map((section) => [section, only(section)]).filter(([, of]) => Object.keys(of ?? {}).length > 0),
  );
}

/** Every string that can be a reference, including those in the braces of `Fn::Sub`. */
function referencesIn(value: unknown): string[] {
  if (typeof value === 'string')
    return [value, ...[...value.matchAll(/\$\{([^}.]+)[^}]*\}/g)].map(([, name = '']) => name)];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(referencesIn);
}
