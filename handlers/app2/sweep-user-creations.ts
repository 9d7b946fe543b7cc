import { readEnvironment } from '../shared/environment.ts';
import { sweeper } from '../shared/sweeper.ts';
import { environments } from './lib/environments.ts';
import { creations } from './lib/user-creation.ts';

/** The scheduled sweep of App2's creations and roll-backs. */
export const handler = sweeper(creations, readEnvironment(environments['sweep-user-creations']));
