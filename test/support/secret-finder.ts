/** A piece of a secret of this many characters tells too much of it. */
const PIECE = 8;

/** Where a secret was found, and how it was written. */
export interface Sighting {
  secret: string;
  place: string;
  form: string;
}

/** How a piece of a secret may be written; each form of 8 characters or more. */
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
  // Also as JSON in JSON, as a history has it.
  'JSON-escaped': (piece) => [escaped(piece), escaped(escaped(piece))],
};

/** In base64 after `shift` bytes of something else: the characters that come of the piece alone. */
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
 * Says where secrets can be read: whole or any 8 characters of them, as they are, reversed, in hex, in base64 at each
 * alignment, URL-encoded or JSON-escaped. The secrets should be random: 8 characters of a word occur by themselves.
 * @param secrets by the name under which they are reported
 */
export function secretFinder(secrets: Record<string, string>): (place: string, text: string) => Sighting[] {
  const patterns = new Map<string, { pattern: string; secret: string; form: string }[]>();
  for (const [secret, value] of Object.entries(secrets))
    for (let start = 0; start + PIECE <= value.length; start += 1)
      for (const [form, write] of Object.entries(forms))
        for (const pattern of write(value.slice(start, start + PIECE))) {
          const begin = pattern.slice(0, PIECE);
          patterns.set(begin, [...(patterns.get(begin) ?? []), { pattern, secret, form }]);
        }
  return (place, text) => {
    const found = new Map<string, Sighting>();
    for (let at = 0; at + PIECE <= text.length; at += 1)
      for (const { pattern, secret, form } of patterns.get(text.slice(at, at + PIECE)) ?? [])
        if (text.startsWith(pattern, at)) found.set(`${secret} ${form}`, { secret, place, form });
    return [...found.values()];
  };
}

/**
 * Anything that looks like a JSON Web Token: its first part is base64 of a JSON object. Random base64, as in ciphertexts and
 * task tokens, has `eyJ` in it now and then, and no text after it.
 */
export const tokensIn = (text: string): string[] =>
  (text.match(/eyJ[\w-]{16,}/g) ?? []).filter((found) =>
    /^\{"[\x20-\x7e]{10}/.test(Buffer.from(found.slice(0, 19), 'base64url').toString('latin1')),
  );
