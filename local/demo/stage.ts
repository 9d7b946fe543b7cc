import { colors } from '../../cli/support/colors.ts';

/** Where the demo speaks: coloured and live on a terminal, plain lines when piped. */
export interface Stage {
  scene(title: string): void;
  line(text: string): void;
  /** A line that the next one replaces; on a terminal only. */
  live(text: string): void;
  /** Shows whether something is as it should be, and remembers when it is not. */
  check(text: string, asItShouldBe: boolean): void;
  /** What was not as it should be. */
  readonly failures: readonly string[];
}

export function stageOn(stream: NodeJS.WriteStream): Stage {
  const failures: string[] = [];
  let liveShown = false;
  const clear = () => {
    if (liveShown) stream.write('\r\x1b[K');
    liveShown = false;
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
      liveShown = true;
    },
    check(text, asItShouldBe) {
      line(`  ${asItShouldBe ? colors.green('✔') : colors.red('✘')} ${text}`);
      if (!asItShouldBe) failures.push(text);
    },
  };
}
