import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Stage } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import type { ServiceKind } from '../contracts/services.ts';

/** The bundles in the package, which needs no compiler (package/build.ts). The checkout has no such folder. */
const packaged = join(import.meta.dirname, '..', 'bundles');

/**
 * Folder with the bundle of one function: in the package, or in the cloud assembly of the synthesis, into which infra/app.ts
 * bundles them. A function is a file of handlers/app1 or handlers/app2 with an entry in the environments of its service.
 */
export function bundleOf(scope: IConstruct, service: ServiceKind, name: string): string {
  return join(existsSync(packaged) ? packaged : bundlesIn(assemblyOf(scope)), service, name);
}

/** Folder with the bundles of all functions, inside a cloud assembly. */
export const bundlesIn = (assembly: string): string => join(assembly, 'handlers');

function assemblyOf(scope: IConstruct): string {
  const stage = Stage.of(scope);
  if (stage === undefined) throw new Error(`${scope.node.path} belongs to no app.`);
  return stage.outdir;
}
