import picocolors from 'picocolors';

/**
 * Whether to colour the output. A variable counts only when it is not empty (no-color.org, force-color.org).
 * NO_COLOR wins over FORCE_COLOR, of which `0` and `false` mean no colours, as in Node.js (`tty.WriteStream.hasColors`).
 * Without either: on a terminal that is not a dumb one.
 */
export function shouldUseColor(environment: NodeJS.ProcessEnv, isTerminal: boolean): boolean {
  if (isSet(environment['NO_COLOR'])) return false;
  const forced = environment['FORCE_COLOR'];
  if (isSet(forced)) return forced !== '0' && forced !== 'false';
  return isTerminal && environment['TERM'] !== 'dumb';
}

const isSet = (value: string | undefined): value is string => value !== undefined && value !== '';

export const colors = picocolors.createColors(shouldUseColor(process.env, process.stdout.isTTY === true));
