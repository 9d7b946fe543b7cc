import { colors } from '../../cli/support/colors.ts';

/** The output of the demo: coloured and live on a terminal, plain lines otherwise. */
export interface Stage {
  scene(title: string): void;
  line(text: string): void;
  /** A line that the next line replaces; on a terminal only. */
  live(text: string): void;
  /** Prints the result of a check, and records a failed one. */
  check(text: string, passed: boolean): void;
  /** The texts of the failed checks. */
  readonly failures: readonly string[];
}

export function stageOn(stream: NodeJS.WriteStream): Stage {
  const failures: string[] = [];
  let hasLiveLine = false;
  const clear = () => {
    if (hasLiveLine) stream.write('\r\x1b[K');
    hasLiveLine = false;
  };
  const line = (text: string) => {
    clear();
    stream.write(`${text}\n`);
  };
  return {
    failures,
    line,
    scene: (title) => line(`\n${colors.bold(colors.cyan(title))}`),
    live(text) {
      if (!stream.isTTY) return;
      clear();
      stream.write(text.slice(0, stream.columns - 1));
      hasLiveLine = true;
    },
    check(text, passed) {
      line(`  ${passed ? colors.green('✔') : colors.red('✘')} ${text}`);
      if (!passed) failures.push(text);
    },
  };
}
