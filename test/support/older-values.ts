/**
 * Values that an older release may have accepted, and that the present rules for requests refuse. A provisioning with them
 * must still be read, cancelled, swept, rolled back and reported.
 */
export const olderValues = {
  username: [
    'ada lovelace',
    'a'.repeat(200),
    'ada/../bob',
    '..',
    'Zoe\u0301',
    'Zo\u00eb',
    '100%',
    '\u{1F600}',
  ],
  human_user_id: ['h 42', 'h'.repeat(200), 'h\u00a042'],
} as const;

/** A subject with such values. */
export const olderSubject = {
  username: `ada lovelace ${'x'.repeat(200)}/..`,
  human_user_id: `h 42 ${'y'.repeat(200)}`,
} as const;
