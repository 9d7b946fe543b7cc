import * as z from 'zod';

/** A quota that the fault proxy enforces (quotas.py): a token bucket that some calls share. */
export interface Quota {
  readonly name: string;
  /** `service:operation`, under the names that rules know them by. */
  readonly calls: readonly string[];
  readonly per_second: number;
  /** How many calls may be made at once after a pause. */
  readonly at_once: number;
  /** The error by which AWS refuses the others. */
  readonly code: string;
  /** JMESPath over the body: each of its values has a quota of its own. */
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
  /** From now on these quotas hold, and no others; counts begin anew. */
  set(quotas: readonly Quota[]): Promise<void>;
  /** What was called since. */
  counted(): Promise<Counted>;
}

/**
 * The quotas of a running fault proxy. They are about everybody who calls through it.
 * @throws Error when the proxy refuses them or does not answer
 */
export function quotasAt(url: string): Quotas {
  const ask = async (method: string, body?: unknown): Promise<unknown> => {
    const response = await fetch(`${url}/_microburst/quotas`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} quotas: HTTP ${response.status}: ${await response.text()}`);
    return response.json();
  };
  return {
    set: async (quotas) => void (await ask('PUT', quotas)),
    counted: async () => counted.parse(await ask('GET')),
  };
}
