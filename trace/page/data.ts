import { useEffect, useState } from 'react';
import type * as z from 'zod';
import { type Trouble, trouble } from '../model.ts';

/** Milliseconds until the next poll after an error. */
const PAUSE_AFTER_TROUBLE = 5_000;

export interface Polled<Data> {
  data: Data | undefined;
  trouble: Trouble | undefined;
}

/** Polls data from the server at the interval that the server returns; not while the page is hidden. */
export function usePolled<Data extends { pause: number }>(
  path: string | undefined,
  schema: z.ZodType<Data>,
): Polled<Data> {
  const [polled, setPolled] = useState<Polled<Data> & { path: string | undefined }>({
    path,
    data: undefined,
    trouble: undefined,
  });
  useEffect(() => {
    if (path === undefined) return;
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const poll = async () => {
      clearTimeout(timer);
      if (document.hidden) return;
      const result = await get(path, schema, stop.signal);
      if (stop.signal.aborted) return;
      setPolled((before) => ({
        path,
        // The previous data stays visible while AWS does not respond.
        data: result.data ?? (before.path === path ? before.data : undefined),
        trouble: result.trouble,
      }));
      timer = setTimeout(poll, result.data?.pause ?? PAUSE_AFTER_TROUBLE);
    };
    void poll();
    document.addEventListener('visibilitychange', poll);
    return () => {
      stop.abort();
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', poll);
    };
  }, [path, schema]);
  return polled.path === path ? polled : { data: undefined, trouble: undefined };
}

async function get<Data>(
  path: string,
  schema: z.ZodType<Data>,
  signal: AbortSignal,
): Promise<Partial<Polled<Data>>> {
  try {
    const response = await fetch(path, { signal });
    const body: unknown = await response.json();
    return response.ok ? { data: schema.parse(body) } : { trouble: trouble.parse(body) };
  } catch (error) {
    const message = error instanceof TypeError ? 'The trace server does not respond.' : String(error);
    return {
      trouble: { message, remedy: 'Start it again with `npm run trace`. The page continues automatically.' },
    };
  }
}
