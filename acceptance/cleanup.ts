/** A resource that a run has created in the account. */
interface Resource {
  /** For the operator, if it has to be removed manually. */
  description: string;
  /** Removes it, and waits until it is removed. */
  remove: () => Promise<unknown>;
  /** Starts a removal that takes time; `remove` reports an error of it. */
  startRemoval?: () => Promise<unknown>;
}

/** The resources of a run, which are removed in every case. */
export interface CleanupRegistry {
  /** Registers a resource. Call the returned function when it is known not to exist. */
  add(resource: Resource): () => void;
  /** Removes all of them, latest first. Returns how many, and which remain, with the reason. */
  run(report: (description: string) => void): Promise<{ removed: number; remaining: string[] }>;
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
      const remaining: string[] = [];
      for (const resource of resources) {
        report(resource.description);
        try {
          await resource.remove();
          registered.delete(resource);
        } catch (error) {
          const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
          remaining.push(`${resource.description} (${reason})`);
        }
      }
      return { removed: resources.length - remaining.length, remaining };
    },
  };
}
