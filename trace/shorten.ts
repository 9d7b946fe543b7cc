/** Shortens ciphertexts: they are not secret, but long and not readable. */

/** Longer than ids, names and ARNs. */
const MAX_LENGTH = 160;
const PREFIX_LENGTH = 24;
/** One run of base64 or hexadecimal. */
const OPAQUE = /^[A-Za-z0-9+/_-]{64,}={0,2}$/;

/** The same JSON with long opaque texts truncated. */
export function shorten(value: unknown): unknown {
  if (typeof value === 'string') return shortText(value);
  if (Array.isArray(value)) return value.map(shorten);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shorten(inner)]));
  return value;
}

function shortText(text: string): string {
  const opaque = OPAQUE.test(text) || (text.length > MAX_LENGTH && !/\s/.test(text));
  return opaque ? `${text.slice(0, PREFIX_LENGTH)}… (${text.length} characters)` : text;
}

/** Parses a text of Step Functions as JSON if it is JSON, and truncates long opaque texts. */
export function parseJsonText(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return shorten(JSON.parse(text));
  } catch {
    return shorten(text);
  }
}
