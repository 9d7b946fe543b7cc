import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify, types } from 'node:util';

/**
 * The arguments of a process; none when there is no process of this id. Neither the time zone nor the clock has a part
 * in it, unlike in the time at which a process began as `ps` tells it.
 * man7.org/linux/man-pages/man5/proc_pid_cmdline.5.html
 */
export async function argumentsOf(pid: number): Promise<string[]> {
  if (process.platform === 'linux') return (await commandLine(pid)).split('\0').filter((part) => part !== '');
  // Without such a process it fails, and says nothing.
  const { stdout } = await promisify(execFile)('ps', ['-ww', '-o', 'args=', '-p', String(pid)]).catch(() => ({
    stdout: '',
  }));
  return stdout.split(/\s+/);
}

/** Empty for a process that has ended and that nobody has asked for its end (a zombie). */
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
