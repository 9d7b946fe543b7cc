/** Ciphertexts are not secret, but long, and nobody reads them. */

/** Longer than ids, names and ARNs are. */
const LONG = 160;
const SHOWN = 24;
/** One run of base64 or hexadecimal, nothing that is read. */
const OPAQUE = /^[A-Za-z0-9+/_-]{64,}={0,2}$/;

/** The same JSON with long opaque texts cut to their beginning. */
export function shorten(value: unknown): unknown {
  if (typeof value === 'string') return shortText(value);
  if (Array.isArray(value)) return value.map(shorten);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shorten(inner)]));
  return value;
}

function shortText(text: string): string {
  const opaque = OPAQUE.test(text) || (text.length > LONG && !/\s/.test(text));
  return opaque ? `${text.slice(0, SHOWN)}… (${text.length} characters)` : text;
}

/** What Step Functions keeps as text, read as JSON where it is; with long opaque texts cut. */
export function readable(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return shorten(JSON.parse(text));
  } catch {
    return shorten(text);
  }
}
