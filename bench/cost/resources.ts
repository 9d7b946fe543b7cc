import { templates } from '../../infra/templates.ts';
import type { Resources } from './model.ts';

/** The resources of both stacks on AWS, counted in their templates. */
export function deployedResources(): Resources {
  const types = Object.values(templates({ environment: 'aws' })).flatMap(({ Resources: all }) =>
    Object.values(all).map(({ Type }) => Type),
  );
  const resources: Record<string, number> = {};
  for (const type of types) resources[type] = (resources[type] ?? 0) + 1;
  return resources;
}
