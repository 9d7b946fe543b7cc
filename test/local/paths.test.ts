import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { root, settings } from '../../cli/support/paths.ts';

describe('settings from the environment', () => {
  test('the defaults are port 4566 and the folder .local', () => {
    expect(settings({})).toEqual({ directory: join(root, '.local'), port: 4566, lambdaEndpoint: undefined });
  });

  test('a relative folder is resolved from the checkout', () => {
    expect(settings({ LOCAL_AWS_DIR: '.local-2' }).directory).toBe(join(root, '.local-2'));
    expect(settings({ LOCAL_AWS_DIR: '/elsewhere' }).directory).toBe('/elsewhere');
  });

  test.each(['http', '', '0', '65536', '4566.5'])('LOCAL_AWS_PORT=%j is rejected', (LOCAL_AWS_PORT) => {
    expect(() => settings({ LOCAL_AWS_PORT })).toThrow(
      expect.objectContaining({
        name: 'CommandError',
        message: `LOCAL_AWS_PORT is not a port: ${LOCAL_AWS_PORT}.`,
        remedy: 'Set a number from 1 to 65535.',
      }),
    );
  });
});
