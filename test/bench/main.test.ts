import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { main as cost } from '../../bench/cost.ts';
import { main as bench } from '../../bench/main.ts';
import { main as load } from '../load/main.ts';

let output = '';

beforeEach(() => {
  output = '';
  for (const stream of [process.stdout, process.stderr])
    jest.spyOn(stream, 'write').mockImplementation((text) => {
      output += String(text);
      return true;
    });
});
afterEach(() => {
  jest.restoreAllMocks();
});

describe('npm run bench', () => {
  it('lists the benchmarks', async () => {
    expect(await bench(['help'])).toBe(0);
    for (const name of ['all', 'loading', 'latency', 'targets'])
      expect(output).toContain(`  ${name} [options]`);
  });

  it.each([
    [['latency', '--quik'], "unknown option '--quik'"],
    [['speed'], 'too many arguments'],
  ])('measures nothing on wrong usage: %j', async (args, reason) => {
    expect(await bench(args)).toBe(2);
    expect(output).toContain(reason);
    expect(output).toContain('`npm run bench -- help` lists the benchmarks.');
  });
});

describe('npm run test:load', () => {
  it.each([
    [['--count', 'x'], 'must be a number from 1 to 9999'],
    [['--count', '0'], 'must be a number from 1 to 9999'],
    [['--scale', '0'], 'must be more than 0'],
    [['--scale', '1.5'], 'must be a part like 0.2'],
    [['--used-by-others', '1'], 'must be less than 1'],
    [['--rejected', '1'], 'must be less than 1, so that a request can succeed'],
    [['--second-caller', '2'], 'too many arguments'],
    [['--quick'], "unknown option '--quick'"],
  ])('sends nothing on wrong usage: %j', async (args, reason) => {
    expect(await load(args)).toBe(2);
    expect(output).toContain(reason);
    expect(output).toContain('`npm run test:load -- --help` lists the options.');
  });
});

describe('npm run cost', () => {
  it('writes and counts nothing on wrong usage', async () => {
    expect(await cost(['cuont'])).toBe(2);
    expect(output).toContain('Allowed choices are count');
  });
});
