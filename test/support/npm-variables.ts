import { homedir } from 'node:os';
import { join } from 'node:path';

/** Variables by which Node.js and npm reach the registry: nodejs.org/api/cli.html, docs.npmjs.com/cli/using-npm/config. */
const FOR_THE_REGISTRY = /^(NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|(https?|no)_proxy)$/i;

/** The variables for a process with another home folder: it uses the registry, the settings and the cache of this user. */
export const npmVariables = (): Record<string, string> => ({
  ...Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      value !== undefined && FOR_THE_REGISTRY.test(name) ? [[name, value]] : [],
    ),
  ),
  npm_config_userconfig: join(homedir(), '.npmrc'),
  npm_config_cache: join(homedir(), '.npm'),
});
