import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify, types } from 'node:util';

/**
 * The arguments of a process; empty if the process does not exist. Unlike the start time that `ps` prints, they do not depend
 * on time zone and clock.
 * man7.org/linux/man-pages/man5/proc_pid_cmdline.5.html
 */
export async function argumentsOf(pid: number): Promise<string[]> {
  if (process.platform === 'linux') return (await commandLine(pid)).split('\0').filter((part) => part !== '');
  // `ps` fails without output if the process does not exist.
  const { stdout } = await promisify(execFile)('ps', ['-ww', '-o', 'args=', '-p', String(pid)]).catch(() => ({
    stdout: '',
  }));
  return stdout.split(/\s+/);
}

/** Empty for a zombie: a finished process whose parent has not read its exit status. */
async function commandLine(pid: number): Promise<string> {
  try {
    return await readFile(`/proc/${pid}/cmdline`, 'utf8');
  } catch (error) {
    const isGone =
      types.isNativeError(error) && 'code' in error && ['ENOENT', 'ESRCH'].includes(`${error.code}`);
    if (isGone) return '';
    throw error;
  }
}
