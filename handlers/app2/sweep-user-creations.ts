import { readEnvironment } from '../shared/environment.ts';
import { sweeper } from '../shared/sweeper.ts';
import { environments } from './lib/environments.ts';
import { creations } from './lib/user-creation.ts';

/** Finds creations and roll-backs that ended badly and were missed, on a schedule. */
export const handler = sweeper(creations, readEnvironment(environments['sweep-user-creations']));
