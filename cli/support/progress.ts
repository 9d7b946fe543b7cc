import { type DefaultRenderer, Listr, type ListrTaskWrapper, type SimpleRenderer } from 'listr2';

type Wrapper = ListrTaskWrapper<unknown, typeof DefaultRenderer, typeof SimpleRenderer>;

/** Longest time without output, in milliseconds. */
const HEARTBEAT = 1_800;

/** A long task. It calls `report` with its current state. */
export type Task<Result> = (report: (line: string) => void) => Promise<Result>;

/** Shows long tasks: live on a terminal, line by line when piped. There is output at least every two seconds. */
export interface Progress {
  run<Result>(title: string, task: Task<Result>): Promise<Result>;
}

export const listrProgress: Progress = {
  async run(title, task) {
    let rendering: Promise<unknown> = Promise.resolve();
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
                throw new Error(''); // marks the task as failed; the program prints the error once
              }
            },
          },
        ],
        { fallbackRenderer: 'simple', registerSignalListeners: false },
      );
      rendering = list.run();
      rendering.catch(() => undefined);
    });
    await rendering;
    return result;
  },
};

async function withHeartbeat<Result>(title: string, wrapper: Wrapper, task: Task<Result>): Promise<Result> {
  const startedAt = Date.now();
  const seconds = () => Math.round((Date.now() - startedAt) / 1000);
  let last = '';
  const timer = setInterval(() => {
    wrapper.output = `${last} (${seconds()} s)`.trim();
  }, HEARTBEAT);
  try {
    const result = await task((line) => {
      last = line;
    });
    wrapper.title = `${title} (${((Date.now() - startedAt) / 1000).toFixed(1)} s)`;
    return result;
  } finally {
    clearInterval(timer);
  }
}
