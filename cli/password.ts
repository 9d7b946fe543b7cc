import { password } from '../contracts/fields.ts';
import { CliError } from './cli-error.ts';
import type { Terminal } from './session.ts';

/** Reads a password from a prompt that does not echo, or from standard input; never from arguments or the environment. */

const usage = (code: string, message: string, remedy: string) => new CliError('usage', code, message, remedy);

const SAFE_INPUT =
  'Type it at the prompt on a terminal, or send it to standard input with `--password-stdin`.';

/** A variable that users are likely to try. */
const VARIABLE = 'PROVISION_PASSWORD';

/** @throws CliError when a password was given where other processes can read it */
export function refuseExposedPassword(argument: unknown, environment: NodeJS.ProcessEnv): void {
  if (argument !== undefined)
    throw usage(
      'PASSWORD_EXPOSED',
      'A password is not accepted as an argument: every process of this machine can read it, and the shell history contains it.',
      `Choose another password. ${SAFE_INPUT}`,
    );
  if (environment[VARIABLE] !== undefined)
    throw usage(
      'PASSWORD_EXPOSED',
      `A password is not read from the environment (${VARIABLE}): every program that you start inherits it.`,
      `Unset it. ${SAFE_INPUT}`,
    );
}

/** @throws CliError when there is no password, or it is not valid for App1 */
export async function readPassword(
  terminal: Pick<Terminal, 'readInput' | 'promptSecret'>,
  fromInput: boolean,
): Promise<string> {
  const given = fromInput ? firstLine(decodeUtf8(await terminal.readInput())) : await promptTwice(terminal);
  const parsed = password.safeParse(given);
  if (parsed.success) return parsed.data;
  throw usage('PASSWORD_INVALID', `The password ${parsed.error.issues[0]?.message}.`, 'Choose another one.');
}

/** Byte order marks. unicode.org/faq/utf_bom.html#bom4 */
const BYTE_ORDER_MARKS = [
  ['UTF-8', [0xef, 0xbb, 0xbf]],
  ['UTF-16', [0xff, 0xfe]],
  ['UTF-16', [0xfe, 0xff]],
] as const;

/**
 * Standard input as text. Input that is not UTF-8 is rejected: with replacement characters it would become another
 * password. A byte order mark is rejected, too: it is invisible and would become a part of the password.
 */
function decodeUtf8(input: Uint8Array): string {
  const mark = BYTE_ORDER_MARKS.find(([, bytes]) => bytes.every((byte, at) => input[at] === byte));
  if (mark !== undefined) throw notUtf8(`begins with a byte order mark of ${mark[0]}`);
  if (input.includes(0)) throw notUtf8('contains bytes that are zero, as text in UTF-16 does');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(input);
  } catch {
    throw notUtf8('is not well-formed UTF-8; it may be in Latin-1 or another encoding');
  }
}

const notUtf8 = (what: string) =>
  usage(
    'PASSWORD_INVALID',
    `Standard input ${what}.`,
    'Send the password in UTF-8, without a byte order mark.',
  );

/** Standard input without the line end that `echo` and files add. More than one line is an error. */
function firstLine(input: string): string {
  const line = input.replace(/\r?\n$/, '');
  if (!/[\r\n]/.test(line)) return line;
  throw usage(
    'PASSWORD_INVALID',
    'Standard input has more than one line.',
    'Send the password alone, on one line.',
  );
}

async function promptTwice({ promptSecret }: Pick<Terminal, 'promptSecret'>): Promise<string> {
  if (promptSecret === undefined)
    throw usage(
      'NO_TERMINAL',
      'There is no prompt for the password: standard input is not a terminal.',
      SAFE_INPUT,
    );
  const first = await promptSecret('Password of the service user');
  if (first === (await promptSecret('Again'))) return first;
  throw usage('PASSWORDS_DIFFER', 'The two passwords differ.', 'Try again.');
}
