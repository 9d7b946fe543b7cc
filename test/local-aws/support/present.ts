/** The value of a field that the SDK's types call optional and AWS always sends. */
export function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('AWS did not send an expected field');
  return value;
}
