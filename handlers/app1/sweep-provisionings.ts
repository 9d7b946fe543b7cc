import { readEnvironment } from '../shared/environment.ts';
import { sweeper } from '../shared/sweeper.ts';
import { environments } from './lib/environments.ts';
import { provisionings } from './lib/provisioning.ts';

/** The scheduled sweep of App1's provisionings and roll-backs. */
export const handler = sweeper(provisionings, readEnvironment(environments['sweep-provisionings']));
