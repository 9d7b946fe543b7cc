import { useEffect, useState } from 'react';
import type * as z from 'zod';
import { type Trouble, trouble } from '../model.ts';

/** How long to wait after something went wrong, in milliseconds. */
const PAUSE_AFTER_TROUBLE = 5_000;

export interface Polled<Data> {
  data: Data | undefined;
  trouble: Trouble | undefined;
}

/** Data of the server, asked for again as often as it says; not while nobody looks at the page. */
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
    const ask = async () => {
      clearTimeout(timer);
      if (document.hidden) return;
      const answer = await get(path, schema, stop.signal);
      if (stop.signal.aborted) return;
      setPolled((before) => ({
        path,
        // What was there before stays readable while AWS does not answer.
        data: answer.data ?? (before.path === path ? before.data : undefined),
        trouble: answer.trouble,
      }));
      timer = setTimeout(ask, answer.data?.pause ?? PAUSE_AFTER_TROUBLE);
    };
    void ask();
    document.addEventListener('visibilitychange', ask);
    return () => {
      stop.abort();
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', ask);
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
    const message = error instanceof TypeError ? 'The trace server does not answer.' : String(error);
    return {
      trouble: { message, remedy: 'Start it again with `npm run trace`; the page goes on by itself.' },
    };
  }
}
