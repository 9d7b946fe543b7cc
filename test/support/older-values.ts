/**
 * Values that a release before may have taken under looser rules, and that today's rules for requests refuse. What was
 * begun with them must still be seen, cancelled, swept, rolled back and told of.
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

/** One of each, for a whole subject. */
export const olderSubject = {
  username: `ada lovelace ${'x'.repeat(200)}/..`,
  human_user_id: `h 42 ${'y'.repeat(200)}`,
} as const;
