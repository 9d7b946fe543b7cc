import { type DefaultRenderer, Listr, type ListrTaskWrapper, type SimpleRenderer } from 'listr2';

type Wrapper = ListrTaskWrapper<unknown, typeof DefaultRenderer, typeof SimpleRenderer>;

/** Longest silence, in milliseconds. */
const HEARTBEAT = 1_800;

/** One thing that takes a while, shown while it goes on. `report` says what it is at. */
export type Task<Result> = (report: (line: string) => void) => Promise<Result>;

/** Shows long work: live on a terminal, line by line when piped, and never silent for two seconds. */
export interface Progress {
  run<Result>(title: string, task: Task<Result>): Promise<Result>;
}

export const listrProgress: Progress = {
  async run(title, task) {
    let shown: Promise<unknown> = Promise.resolve();
    const result = await new Promise<Awaited<ReturnType<typeof task>>>((resolve, reject) => {
      const list = new Listr(
        [
          {
            title,
            task: async (_, wrapper) => {
              try {
                resolve(await withHeartbeat(title, wrapper, task));
              } catch (error) {
                reject(error);
                throw new Error(''); // marks the task as failed; what happened is said once, by who ends the program
              }
            },
          },
        ],
        { fallbackRenderer: 'simple', registerSignalListeners: false },
      );
      shown = list.run();
      shown.catch(() => undefined);
    });
    await shown;
    return result;
  },
};

async function withHeartbeat<Result>(title: string, wrapper: Wrapper, task: Task<Result>): Promise<Result> {
  const begun = Date.now();
  const seconds = () => Math.round((Date.now() - begun) / 1000);
  let last = '';
  const timer = setInterval(() => {
    wrapper.output = `${last} (${seconds()} s)`.trim();
  }, HEARTBEAT);
  try {
    const result = await task((line) => {
      last = line;
    });
    wrapper.title = `${title} (${((Date.now() - begun) / 1000).toFixed(1)} s)`;
    return result;
  } finally {
    clearInterval(timer);
  }
}
