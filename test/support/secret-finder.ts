/** Length of a piece of a secret that counts as a leak, in characters. */
const PIECE = 8;

/** A leak of a secret: the location and the encoding. */
export interface Sighting {
  secret: string;
  location: string;
  form: string;
}

/** Encodings of a piece of a secret; each result has at least 8 characters. */
const forms: Record<string, (piece: string) => string[]> = {
  raw: (piece) => [piece],
  reversed: (piece) => [[...piece].reverse().join('')],
  hex: (piece) => {
    const hex = Buffer.from(piece).toString('hex');
    return [hex, hex.toUpperCase()];
  },
  base64: (piece) => [0, 1, 2].flatMap((shift) => inBase64(piece, shift)),
  'URL-encoded': (piece) => [
    encodeURIComponent(piece),
    everyMark(piece, 'toUpperCase'),
    everyMark(piece, 'toLowerCase'),
  ],
  // Also as JSON in JSON, as in a history.
  'JSON-escaped': (piece) => [escaped(piece), escaped(escaped(piece))],
};

/** Base64 after `shift` other bytes: the characters that depend on the piece only. */
function inBase64(piece: string, shift: number): string[] {
  const bytes = Buffer.concat([Buffer.alloc(shift), Buffer.from(piece)]);
  const whole = bytes.toString('base64').replace(/=+$/, '');
  const own = whole.slice(Math.ceil((shift * 8) / 6), Math.floor((bytes.length * 8) / 6));
  return [own, own.replaceAll('+', '-').replaceAll('/', '_')];
}

const everyMark = (piece: string, how: 'toUpperCase' | 'toLowerCase'): string =>
  piece.replace(/[^A-Za-z0-9]/g, (mark) => `%${Buffer.from(mark).toString('hex')[how]()}`);

const escaped = (piece: string): string => JSON.stringify(piece).slice(1, -1);

/**
 * Finds secrets, or any 8 characters of them, in a text: raw, reversed, in hex, in base64 at each alignment, URL-encoded or
 * JSON-escaped. The secrets should be random, because 8 characters of a word can occur by chance.
 * @param secrets by the name under which they are reported
 */
export function secretFinder(
  secrets: Record<string, string>,
): (location: string, text: string) => Sighting[] {
  const patterns = new Map<string, { pattern: string; secret: string; form: string }[]>();
  for (const [secret, value] of Object.entries(secrets))
    for (let start = 0; start + PIECE <= value.length; start += 1)
      for (const [form, write] of Object.entries(forms))
        for (const pattern of write(value.slice(start, start + PIECE))) {
          const begin = pattern.slice(0, PIECE);
          patterns.set(begin, [...(patterns.get(begin) ?? []), { pattern, secret, form }]);
        }
  return (location, text) => {
    const found = new Map<string, Sighting>();
    for (let at = 0; at + PIECE <= text.length; at += 1)
      for (const { pattern, secret, form } of patterns.get(text.slice(at, at + PIECE)) ?? [])
        if (text.startsWith(pattern, at)) found.set(`${secret} ${form}`, { secret, location, form });
    return [...found.values()];
  };
}

/**
 * Texts in the form of a JSON Web Token: the first part is base64 of a JSON object. Random base64, as in ciphertexts and
 * task tokens, can contain `eyJ`, but decodes to no text.
 */
export const tokensIn = (text: string): string[] =>
  (text.match(/eyJ[\w-]{16,}/g) ?? []).filter((found) =>
    /^\{"[\x20-\x7e]{10}/.test(Buffer.from(found.slice(0, 19), 'base64url').toString('latin1')),
  );
