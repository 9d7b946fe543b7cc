import { InvalidArgumentError } from '@commander-js/extra-typings';
import * as z from 'zod';

/** Parses values of the command line by schemas. Errors do not repeat the value. */

/** A parser for commander. @throws InvalidArgumentError */
export const by =
  <Schema extends z.ZodType>(schema: Schema) =>
  (value: unknown): z.infer<Schema> => {
    const read = schema.safeParse(value);
    if (read.success) return read.data;
    throw new InvalidArgumentError(`It ${read.error.issues[0]?.message ?? 'is not valid'}.`);
  };

/** Reads an option that can be given several times. The schema is that of all of its values. */
export const byEach =
  <Schema extends z.ZodType<string[]>>(schema: Schema) =>
  (value: string, previous: string[] = []): z.infer<Schema> =>
    by(schema)([...previous, value]);

const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `90s`, `15m`, `1h`, `7d`, in milliseconds. */
export const duration = z
  .string()
  .regex(/^\d{1,6}[smhd]$/, 'must be a time like 90s, 15m, 1h or 7d')
  .transform((value) => {
    const unit = z.enum(['s', 'm', 'h', 'd']).parse(value.at(-1));
    return Number.parseInt(value, 10) * UNITS[unit];
  });

/** A duration before now (`1h`) or a time in ISO 8601. The result maps now to that time, in milliseconds. */
export const since = z.union(
  [
    duration.transform((ago) => (now: number) => now - ago),
    z.iso.datetime({ offset: true }).transform((time) => () => Date.parse(time)),
  ],
  { error: 'must be a time like 90s, 15m, 1h or 7d, or a time in ISO 8601 like 2026-01-31T12:00:00Z' },
);

export const count = z
  .string()
  .regex(/^[1-9]\d{0,3}$/, 'must be a number from 1 to 9999')
  .transform(Number);

/** A comma-separated list, case-insensitive. */
export const listOf = <const Words extends Readonly<Record<string, string>>>(words: Words) =>
  z
    .string()
    .transform((value) => value.toUpperCase().split(','))
    .pipe(
      z.array(
        z.enum(words, {
          error: `must be one or more of ${Object.values(words).join(', ')}, separated by commas`,
        }),
      ),
    );
