import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';

const local = join(import.meta.dirname, '../../local');

describe('the start of the local AWS', () => {
  test('rejects another version of MiniStack than the pinned one', () => {
    expect(start("support.PINNED = '0.0.0'")).toEqual({
      status: 1,
      stderr: 'local AWS does not start: MiniStack 0.0.0 is needed, 1.5.33 is installed\n',
    });
  });

  test('fails if a correction does not find the text that it replaces', () => {
    const { status, stderr } = start(`
from ministack.services import lambda_svc
lambda_svc._emit_lambda_logs = lambda_svc._execute_function`);

    expect(status).toBe(1);
    expect(stderr).toMatch(
      /^local AWS does not start: corrections.lambda_invoke does not fit MiniStack 1.5.33: .*_emit_lambda_logs has 0 times instead of once.*\n$/,
    );
  });
});

/** Runs serve.py after a preparation; it must fail before it serves. */
function start(preparation: string): { status: number | null; stderr: string } {
  const { LOCAL_AWS_PYTHON = '', PATH } = process.env;
  const { status, stderr } = spawnSync(
    LOCAL_AWS_PYTHON,
    ['-c', `from corrections import support\nimport serve\n${preparation}\nserve.main()`],
    { cwd: local, encoding: 'utf8', env: { PATH, PYTHONDONTWRITEBYTECODE: '1' }, timeout: 10_000 },
  );
  return { status, stderr };
}
