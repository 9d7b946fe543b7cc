import { password } from '../contracts/fields.ts';
import { CliError } from './cli-error.ts';
import type { Terminal } from './session.ts';

/** Where passwords come from: a prompt that shows nothing, or standard input. Never arguments, never the environment. */

const usage = (code: string, message: string, remedy: string) => new CliError('usage', code, message, remedy);

const ELSEWHERE = 'Let it be asked for on a terminal, or send it to standard input with `--password-stdin`.';

/** Variables that people try. */
const VARIABLE = 'PROVISION_PASSWORD';

/** @throws CliError when a password came where others can read it */
export function refuseExposed(argument: unknown, environment: NodeJS.ProcessEnv): void {
  if (argument !== undefined)
    throw usage(
      'PASSWORD_EXPOSED',
      'A password is not taken as an argument: every process of this machine and your shell history can read it.',
      `Choose another password, since this one was readable. ${ELSEWHERE}`,
    );
  if (environment[VARIABLE] !== undefined)
    throw usage(
      'PASSWORD_EXPOSED',
      `A password is not taken from the environment (${VARIABLE}): every program that you start inherits it.`,
      `Unset it. ${ELSEWHERE}`,
    );
}

/** @throws CliError when there is none, or none that App1 can take */
export async function readPassword(
  terminal: Pick<Terminal, 'readInput' | 'askSecret'>,
  fromInput: boolean,
): Promise<string> {
  const given = fromInput ? firstLine(decoded(await terminal.readInput())) : await asked(terminal);
  const read = password.safeParse(given);
  if (read.success) return read.data;
  throw usage('PASSWORD_INVALID', `The password ${read.error.issues[0]?.message}.`, 'Choose another one.');
}

/** What bytes begin with that say how text is encoded. unicode.org/faq/utf_bom.html#bom4 */
const BYTE_ORDER_MARKS = [
  ['UTF-8', [0xef, 0xbb, 0xbf]],
  ['UTF-16', [0xff, 0xfe]],
  ['UTF-16', [0xfe, 0xff]],
] as const;

/**
 * Standard input as text. What is not UTF-8 is refused: read with replacements, it would be a password that nobody knows.
 * A byte order mark is refused, too, since it is not seen and would become a part of the password.
 */
function decoded(input: Uint8Array): string {
  const mark = BYTE_ORDER_MARKS.find(([, bytes]) => bytes.every((byte, at) => input[at] === byte));
  if (mark !== undefined) throw notUtf8(`begins with a byte order mark of ${mark[0]}`);
  if (input.includes(0)) throw notUtf8('has bytes that are zero, as text in UTF-16 has them');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(input);
  } catch {
    throw notUtf8('is not well-formed UTF-8; it is in Latin-1, perhaps, or in another encoding');
  }
}

const notUtf8 = (what: string) =>
  usage(
    'PASSWORD_INVALID',
    `Standard input ${what}.`,
    'Send the password in UTF-8, without a byte order mark.',
  );

/** Standard input up to the end of its line, as `echo` and files have one; more lines are a mistake. */
function firstLine(input: string): string {
  const line = input.replace(/\r?\n$/, '');
  if (!/[\r\n]/.test(line)) return line;
  throw usage(
    'PASSWORD_INVALID',
    'Standard input has more than one line.',
    'Send the password alone, on one line.',
  );
}

async function asked({ askSecret }: Pick<Terminal, 'askSecret'>): Promise<string> {
  if (askSecret === undefined)
    throw usage('NO_TERMINAL', 'Nobody can be asked for the password: this is not a terminal.', ELSEWHERE);
  const first = await askSecret('Password of the service user');
  if (first === (await askSecret('Again'))) return first;
  throw usage('PASSWORDS_DIFFER', 'The two passwords differ.', 'Try again.');
}
