import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { main as cost } from '../../bench/cost.ts';
import { main as bench } from '../../bench/main.ts';

let said = '';

beforeEach(() => {
  said = '';
  for (const stream of [process.stdout, process.stderr])
    jest.spyOn(stream, 'write').mockImplementation((text) => {
      said += String(text);
      return true;
    });
});
afterEach(() => {
  jest.restoreAllMocks();
});

describe('npm run bench', () => {
  it('tells what can be measured', async () => {
    expect(await bench(['help'])).toBe(0);
    for (const name of ['all', 'loading', 'latency', 'burst']) expect(said).toContain(`  ${name} [options]`);
  });

  it.each([
    [['burst', '--count', 'x'], 'must be a number from 1 to 9999'],
    [['burst', '--count', '0'], 'must be a number from 1 to 9999'],
    [['burst', '--scale', '0'], 'must be more than 0'],
    [['burst', '--scale', '1.5'], 'must be a part like 0.2'],
    [['burst', '--taken', '1'], 'must be less than 1'],
    [['burst', '--doomed', '1'], 'must be less than 1, so that one can succeed'],
    [['burst', '--second-caller', '2'], 'too many arguments'],
    [['burst', '--quick'], "unknown option '--quick'"],
    [['latency', '--quik'], "unknown option '--quik'"],
    [['speed'], 'too many arguments'],
  ])('measures nothing when it is typed wrongly: %j', async (args, why) => {
    expect(await bench(args)).toBe(2);
    expect(said).toContain(why);
    expect(said).toContain('`npm run bench -- help` tells what can be measured.');
  });
});

describe('npm run cost', () => {
  it('writes and counts nothing when it is typed wrongly', async () => {
    expect(await cost(['cuont'])).toBe(2);
    expect(said).toContain('Allowed choices are count');
  });
});
