import { APP1 } from '../contracts/services.ts';
import { type Connection, type ReadResult, tryRead } from './connect.ts';
import type { App1, Target } from './target-environment.ts';

/** A service, and the outputs of its stack if it is in this account and region. */
export interface FoundService<Outputs extends App1 | Target = App1 | Target> {
  /** `app1`, or the name of a target. */
  name: string;
  outputs: ReadResult<Outputs>;
}

/** App1, the targets of its registry that are not gone, and further targets in this account and region. */
export interface Services {
  app1: FoundService<App1>;
  targets: FoundService<Target>[];
}

/** Finds App1 and the targets. A service in another account is not available; it is listed if App1 has registered it. */
export async function findServices(
  connection: Pick<Connection, 'app1' | 'target' | 'targets'>,
): Promise<Services> {
  const [app1, deployed] = await Promise.all([tryRead(connection.app1), tryRead(connection.targets)]);
  const registered = app1.isAvailable ? app1.value.targets.filter(({ state }) => state !== 'gone') : [];
  const names = new Set([
    ...registered.map(({ name }) => name),
    ...(deployed.isAvailable ? deployed.value : []),
  ]);
  return {
    app1: { name: APP1, outputs: app1 },
    targets: await Promise.all(
      [...names].map(async (name) => ({ name, outputs: await tryRead(() => connection.target(name)) })),
    ),
  };
}

/** All services, App1 first. */
export const listServices = async (
  connection: Pick<Connection, 'app1' | 'target' | 'targets'>,
): Promise<FoundService[]> => {
  const { app1, targets } = await findServices(connection);
  return [app1, ...targets];
};

/** The outputs of the services that are available. */
export const availableOutputs = (services: readonly FoundService[]): (App1 | Target)[] =>
  services.flatMap(({ outputs }) => (outputs.isAvailable ? [outputs.value] : []));

/** The outputs of App1, or of a target. @throws CliError when it is not in this account and region */
export const outputsOf = (
  { app1, target }: Pick<Connection, 'app1' | 'target'>,
  name: string,
): Promise<App1 | Target> => (name === APP1 ? app1() : target(name));
