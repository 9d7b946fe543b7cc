import * as z from 'zod';

/** A quota that the fault proxy enforces (quotas.py): a token bucket for some calls. */
export interface Quota {
  readonly name: string;
  /** `service:operation`, with the names of fault rules. */
  readonly calls: readonly string[];
  readonly per_second: number;
  /** Burst: the maximum number of tokens. */
  readonly at_once: number;
  /** The error of throttled calls. */
  readonly code: string;
  /** JMESPath expression over the body: each of its values has a quota of its own. */
  readonly each?: string;
}

const times = z.array(z.number());
const counted = z.object({
  /** All calls through the proxy, by `service:operation`. */
  made: z.record(z.string(), z.int()),
  /** Times in seconds since the epoch, by the name of the quota. */
  quotas: z.record(z.string(), z.object({ passed: times, refused: times })),
});
export type Counted = z.infer<typeof counted>;

export interface Quotas {
  /** Replaces all quotas and resets the counts. */
  set(quotas: readonly Quota[]): Promise<void>;
  /** The calls since the last `set`. */
  counted(): Promise<Counted>;
}

/**
 * The quotas of a running fault proxy. They apply to all calls through it.
 * @throws Error when the proxy rejects them or does not respond
 */
export function quotasAt(url: string): Quotas {
  const request = async (method: string, body?: unknown): Promise<unknown> => {
    const response = await fetch(`${url}/_microburst/quotas`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} quotas: HTTP ${response.status}: ${await response.text()}`);
    return response.json();
  };
  return {
    set: async (quotas) => void (await request('PUT', quotas)),
    counted: async () => counted.parse(await request('GET')),
  };
}
