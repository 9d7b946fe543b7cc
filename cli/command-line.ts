/** Commands that are proposed: whoever reads one can copy it into a shell, whatever its values are. */

/** A command of a program: words are taken as they are, values are quoted. */
export interface Proposed {
  /** The program and what of it is fixed: `npx provision status`. */
  command: string;
  /** Arguments, in their order. */
  operands?: readonly string[];
  /** Options with their values; `undefined` for one that has none. */
  options?: readonly (readonly [name: string, value?: string])[];
}

/**
 * The command as a POSIX shell reads it. An operand that begins with a hyphen would be read as an option, so operands
 * stand behind `--` then; so would such a value of an option, which is joined to its name.
 * pubs.opengroup.org/onlinepubs/9799919799/basedefs/V1_chap12.html (guidelines 6 to 10)
 */
export function commandLine({ command, operands = [], options = [] }: Proposed): string {
  const optionWords = options.map(([name, value]) => {
    if (value === undefined) return name;
    return value.startsWith('-') ? quoted(`${name}=${value}`) : `${name} ${quoted(value)}`;
  });
  const operandWords = operands.map(quoted);
  const words = operands.some((operand) => operand.startsWith('-'))
    ? [command, ...optionWords, '--', ...operandWords]
    : [command, ...operandWords, ...optionWords];
  return words.join(' ');
}

/** One word, as a POSIX shell reads it. */
export const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
