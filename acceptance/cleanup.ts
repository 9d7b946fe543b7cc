/** Something that a run has made in somebody's account. */
interface Resource {
  /** For whoever has to remove it by hand. */
  description: string;
  /** Removes it, and waits until it is gone. */
  remove: () => Promise<unknown>;
  /** Only starts that, where it takes a while; an error here is met again by `remove`. */
  startRemoval?: () => Promise<unknown>;
}

/** What a run has made and has to remove, whatever happens. */
export interface CleanupRegistry {
  /** Registers a resource; call the result when it is known not to exist. */
  add(resource: Resource): () => void;
  /** Removes all of them, the latest first: how many, and which could not be removed, with the reason. */
  run(report: (description: string) => void): Promise<{ removed: number; left: string[] }>;
}

export function cleanupRegistry(): CleanupRegistry {
  const registered = new Set<Resource>();
  return {
    add(resource) {
      registered.add(resource);
      return () => void registered.delete(resource);
    },

    async run(report) {
      const resources = [...registered].reverse();
      for (const { description, startRemoval } of resources) {
        report(description);
        await startRemoval?.().catch(() => undefined);
      }
      const left: string[] = [];
      for (const resource of resources) {
        report(resource.description);
        try {
          await resource.remove();
          registered.delete(resource);
        } catch (error) {
          const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
          left.push(`${resource.description} (${reason})`);
        }
      }
      return { removed: resources.length - left.length, left };
    },
  };
}
