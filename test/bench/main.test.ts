import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { main as cost } from '../../bench/cost.ts';
import { main as bench } from '../../bench/main.ts';
import { main as load } from '../load/main.ts';

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
    for (const name of ['all', 'loading', 'latency']) expect(said).toContain(`  ${name} [options]`);
  });

  it.each([
    [['latency', '--quik'], "unknown option '--quik'"],
    [['speed'], 'too many arguments'],
  ])('measures nothing when it is typed wrongly: %j', async (args, why) => {
    expect(await bench(args)).toBe(2);
    expect(said).toContain(why);
    expect(said).toContain('`npm run bench -- help` tells what can be measured.');
  });
});

describe('npm run test:load', () => {
  it.each([
    [['--count', 'x'], 'must be a number from 1 to 9999'],
    [['--count', '0'], 'must be a number from 1 to 9999'],
    [['--scale', '0'], 'must be more than 0'],
    [['--scale', '1.5'], 'must be a part like 0.2'],
    [['--taken', '1'], 'must be less than 1'],
    [['--doomed', '1'], 'must be less than 1, so that one can succeed'],
    [['--second-caller', '2'], 'too many arguments'],
    [['--quick'], "unknown option '--quick'"],
  ])('sends nothing on wrong usage: %j', async (args, why) => {
    expect(await load(args)).toBe(2);
    expect(said).toContain(why);
    expect(said).toContain('`npm run test:load -- --help` lists the options.');
  });
});

describe('npm run cost', () => {
  it('writes and counts nothing when it is typed wrongly', async () => {
    expect(await cost(['cuont'])).toBe(2);
    expect(said).toContain('Allowed choices are count');
  });
});
