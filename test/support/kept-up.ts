/**
 * Keeps a resource open from Jest's global setup to its teardown, although its owner closes it after a function returns.
 */
export function keptUp<Resource>(
  withResource: (use: (resource: Resource) => Promise<void>) => Promise<void>,
): { up: () => Promise<Resource>; down: () => Promise<void> } {
  let finish: () => void = () => undefined;
  let ended: Promise<void> = Promise.resolve();
  return {
    up: () =>
      new Promise((resolve, reject) => {
        ended = withResource((resource) => {
          resolve(resource);
          return new Promise((end) => {
            finish = end;
          });
        });
        ended.catch(reject);
      }),
    async down() {
      finish();
      await ended;
    },
  };
}
