import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { benchDirectory } from './local-aws.ts';

/** CPU time and memory of the processes that run functions on the local AWS of the benchmarks. */
export interface ResourceUsage {
  /** CPU time of all processes, in milliseconds. */
  computing: number;
  /** Peak memory of one process, in MB. */
  memory: number;
}

/** The kernel counts in hundredths of a second. man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
const TICK = 10;

/** Reads the usage from /proc on Linux; `undefined` on other systems. */
export function readFunctionUsage(): ResourceUsage | undefined {
  if (!existsSync('/proc/self/stat')) return undefined;
  const usage: ResourceUsage = { computing: 0, memory: 0 };
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const read = (file: string): string => {
      try {
        return readFileSync(`/proc/${pid}/${file}`, 'utf8');
      } catch {
        return ''; // the process has ended
      }
    };
    const command = read('cmdline');
    if (!command.includes(benchDirectory) || !command.includes('_worker.js')) continue;
    // The name of the program is in parentheses and may contain blanks; the fields follow it.
    const fields = read('stat')
      .replace(/^.*\) /s, '')
      .split(' ');
    usage.computing += (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * TICK;
    const [, peak = '0'] = /^VmHWM:\s+(\d+) kB$/m.exec(read('status')) ?? [];
    usage.memory = Math.max(usage.memory, Number(peak) / 1_024);
  }
  return usage;
}
