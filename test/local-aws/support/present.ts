/** The value of a field that is optional in the SDK's types and that AWS always sends. */
export function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('AWS did not send an expected field');
  return value;
}
