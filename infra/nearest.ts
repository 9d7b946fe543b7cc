/** Maximum edit distance of a suggestion. */
const MAX_DISTANCE = 3;

/** The word of a list with the smallest edit distance to the given one; `undefined` when none is close enough. */
export function nearest(input: string, words: readonly string[]): string | undefined {
  const [first] = words
    .map((word) => ({ word, distance: distanceBetween(normalize(input), normalize(word)) }))
    .sort((one, other) => one.distance - other.distance);
  return first !== undefined && first.distance <= Math.min(MAX_DISTANCE, Math.floor(input.length / 2))
    ? first.word
    : undefined;
}

/** Removes separators and case: `alarmEmail`, `alarm-email` and `ALARM_EMAIL` are all `alarm_email`. */
const normalize = (word: string): string => word.replace(/[^A-Za-z0-9]/g, '').toLowerCase();

/** The edit distance with insertions, deletions, substitutions and transpositions (optimal string alignment). */
function distanceBetween(one: string, other: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: other.length + 1 }, (_, column) => column);
  for (let row = 1; row <= one.length; row += 1) {
    const next = [row];
    for (let column = 1; column <= other.length; column += 1) {
      const isSame = one[row - 1] === other[column - 1];
      const isSwapped = one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1];
      next[column] = Math.min(
        (last[column] ?? 0) + 1,
        (next[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (isSame ? 0 : 1),
        isSwapped ? (beforeLast[column - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
      );
    }
    [beforeLast, last] = [last, next];
  }
  return last[other.length] ?? 0;
}
