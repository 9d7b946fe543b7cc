/** Something that a run has made in somebody's account. */
interface Made {
  /** In words, for whoever has to remove it by hand. */
  what: string;
  /** Takes it away, and waits until it is gone. */
  takeAway: () => Promise<unknown>;
  /** Only begins with it, where it takes a while; what goes wrong here is met again by `takeAway`. */
  begin?: () => Promise<unknown>;
}

/** What a run has made and has to take away again, whatever happens. */
export interface Leftovers {
  /** Notes something; call the result when it is known not to be there. */
  add(made: Made): () => void;
  /** Takes all of it away, what was made last first: how much it was, and what could not be, with the reason. */
  takeAway(report: (what: string) => void): Promise<{ taken: number; left: string[] }>;
}

export function leftovers(): Leftovers {
  const all = new Set<Made>();
  return {
    add(made) {
      all.add(made);
      return () => void all.delete(made);
    },

    async takeAway(report) {
      const made = [...all].reverse();
      for (const { what, begin } of made) {
        report(what);
        await begin?.().catch(() => undefined);
      }
      const left: string[] = [];
      for (const one of made) {
        report(one.what);
        try {
          await one.takeAway();
          all.delete(one);
        } catch (error) {
          left.push(
            `${one.what} (${error instanceof Error ? `${error.name}: ${error.message}` : String(error)})`,
          );
        }
      }
      return { taken: made.length - left.length, left };
    },
  };
}
