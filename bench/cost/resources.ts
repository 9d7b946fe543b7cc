import { type Template, templates } from '../../infra/templates.ts';
import type { DeployedResources, Resources } from './model.ts';

/** The resources of both stacks on AWS, counted in their templates. */
export function deployedResources(): DeployedResources {
  const { app1, app2 } = templates({ environment: 'aws' });
  return { app1: countResources(app1), app2: countResources(app2) };
}

function countResources({ Resources: all }: Template): Resources {
  const resources: Record<string, number> = {};
  for (const { Type } of Object.values(all)) resources[Type] = (resources[Type] ?? 0) + 1;
  return resources;
}
