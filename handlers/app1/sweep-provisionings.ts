import { readEnvironment } from '../shared/environment.ts';
import { sweeper } from '../shared/sweeper.ts';
import { environments } from './lib/environments.ts';
import { provisionings } from './lib/provisioning.ts';

/** Finds provisionings and roll-backs that ended badly and were missed, on a schedule. */
export const handler = sweeper(provisionings, readEnvironment(environments['sweep-provisionings']));
