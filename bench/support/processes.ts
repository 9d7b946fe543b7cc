import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { benchDirectory } from './local-aws.ts';

/** What the processes have used that run functions, on the local AWS of the benchmarks. */
export interface Used {
  /** Milliseconds of a core, of all of them together. */
  computing: number;
  /** The most memory that one of them has had, in MB. */
  memory: number;
}

/** The kernel counts in hundredths of a second. man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
const TICK = 10;

/** Only where there is /proc, which is on Linux; elsewhere nothing is known. */
export function functionsUsed(): Used | undefined {
  if (!existsSync('/proc/self/stat')) return undefined;
  const used: Used = { computing: 0, memory: 0 };
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const read = (file: string): string => {
      try {
        return readFileSync(`/proc/${pid}/${file}`, 'utf8');
      } catch {
        return ''; // it has ended meanwhile
      }
    };
    const command = read('cmdline');
    if (!command.includes(benchDirectory) || !command.includes('_worker.js')) continue;
    // The name of the program stands in parentheses and may have blanks; what is wanted comes after.
    const fields = read('stat')
      .replace(/^.*\) /s, '')
      .split(' ');
    used.computing += (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * TICK;
    const [, peak = '0'] = /^VmHWM:\s+(\d+) kB$/m.exec(read('status')) ?? [];
    used.memory = Math.max(used.memory, Number(peak) / 1_024);
  }
  return used;
}
