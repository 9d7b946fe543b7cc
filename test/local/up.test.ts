import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { main } from '../../local/up.ts';

let output = '';
beforeEach(() => {
  output = '';
  jest.spyOn(process.stderr, 'write').mockImplementation((text) => {
    output += String(text);
    return true;
  });
});
afterEach(() => {
  jest.restoreAllMocks();
});

describe('npm run up -- --target', () => {
  it('rejects names that no target can have, and reports all of them', async () => {
    expect(await main(['--target', 'Payments', '--target', 'orders', '--target', 'app1'])).toBe(2);

    expect(output).toContain('--target Payments: It must be 2 to 20 lower-case letters and digits');
    expect(output).toContain('--target app1: It must not be app1.');
    expect(output).not.toContain('orders');
  });

  it('needs a name', async () => {
    expect(await main(['--target'])).toBe(2);
    expect(output).toContain('argument missing');
  });
});
