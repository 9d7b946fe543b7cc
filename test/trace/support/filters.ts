import { filtered } from '../../../trace/page/filter.ts';
import type { createReader } from '../../../trace/reader.ts';

type Filter = Parameters<typeof filtered>[1];

/** The usernames of the provisionings of the last hour that a filter returns; undefined for a cancellation. */
export async function usernamesFor(
  reader: Pick<ReturnType<typeof createReader>, 'list'>,
  over: Partial<Filter>,
): Promise<(string | undefined)[]> {
  const { provisionings } = await reader.list(1);
  const filter: Filter = { show: 'all', code: '', target: '', text: '', ...over };
  return filtered(provisionings, filter).map(({ username }) => username);
}
