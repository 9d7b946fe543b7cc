import * as z from 'zod';

/**
 * A JSON text, parsed; pipe it to a schema. The error does not contain the text, which the message of a SyntaxError quotes.
 */
export const jsonText = z.string().transform((text, { issues }): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    issues.push({ code: 'custom', input: undefined, message: 'must be JSON' });
    return z.NEVER;
  }
});
