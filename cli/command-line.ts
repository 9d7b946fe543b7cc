/** Formats commands that the output proposes. A user can copy one into a shell, whatever values it contains. */

/** A command of a program. Names are used as they are; values are quoted. */
export interface ProposedCommand {
  /** The program and the subcommand: `npx provision status`. */
  command: string;
  /** Positional arguments, in their order. */
  operands?: readonly string[];
  /** Options with their values; `undefined` for one that has none. */
  options?: readonly (readonly [name: string, value?: string])[];
}

/**
 * The command as a POSIX shell reads it. A shell reads an operand that begins with a hyphen as an option, so operands
 * follow `--` in this case. The value of an option that begins with a hyphen is joined to the option's name with `=`.
 * pubs.opengroup.org/onlinepubs/9799919799/basedefs/V1_chap12.html (guidelines 6 to 10)
 */
export function commandLine({ command, operands = [], options = [] }: ProposedCommand): string {
  const optionWords = options.map(([name, value]) => {
    if (value === undefined) return name;
    return value.startsWith('-') ? quote(`${name}=${value}`) : `${name} ${quote(value)}`;
  });
  const operandWords = operands.map(quote);
  const words = operands.some((operand) => operand.startsWith('-'))
    ? [command, ...optionWords, '--', ...operandWords]
    : [command, ...operandWords, ...optionWords];
  return words.join(' ');
}

/** Quotes one word for a POSIX shell. */
export const quote = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
