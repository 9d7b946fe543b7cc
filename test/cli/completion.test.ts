import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { program } from '../../cli/program.ts';
import { APP2, localOutputs, targetOutputs } from '../support/outputs.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'completion-'));
  process.env['LOCAL_AWS_DIR'] = directory;
});
afterEach(() => {
  delete process.env['LOCAL_AWS_DIR'];
  jest.restoreAllMocks();
  rmSync(directory, { recursive: true });
});

/** The proposals for the rest of a command line. */
function completionsOf(...args: string[]): string[] {
  const lines: string[] = [];
  jest.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line));
  program(async () => undefined).parse(['complete', '--', ...args], { from: 'user' });
  return lines.map((line) => line.split('\t')[0] ?? '').filter((line) => !line.startsWith(':'));
}

describe('the completion of --target', () => {
  it.each(['create', 'revoke-machine-credentials'])(
    'of %s proposes the targets on the local AWS that is up',
    (command) => {
      const outputs = localOutputs({ targets: { app2: APP2, payments: targetOutputs('payments') } });
      writeFileSync(join(directory, 'outputs.json'), JSON.stringify(outputs));

      expect(completionsOf(command, '--target', '')).toEqual(['app2', 'payments']);
    },
  );

  it('proposes the targets again after one was named', () => {
    const outputs = localOutputs({ targets: { app2: APP2, payments: targetOutputs('payments') } });
    writeFileSync(join(directory, 'outputs.json'), JSON.stringify(outputs));

    const proposed = completionsOf('create', 'ada', '--target', 'payments', '--target', '');

    expect(proposed).toEqual(['app2', 'payments']);
  });

  it('proposes none when no local AWS is up', () => {
    expect(completionsOf('create', '--target', '')).toEqual([]);
  });
});
