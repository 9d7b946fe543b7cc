import picocolors from 'picocolors';

const { env, stdout } = process;

/** Colours on a terminal, none when piped or when NO_COLOR is set (no-color.org). */
export const colors = picocolors.createColors(
  // Undefined when piped, and picocolors would then decide for itself.
  stdout.isTTY === true && env['NO_COLOR'] === undefined && env['TERM'] !== 'dumb',
);
