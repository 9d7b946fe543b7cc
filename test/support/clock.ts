/** A clock that only `sleep` advances. It records the sleeps in milliseconds. */
export function fakeClock(start = Date.parse('2026-01-01T00:00:00Z')) {
  let time = start;
  const sleeps: number[] = [];
  return {
    sleeps,
    now: () => time,
    sleep: async (milliseconds: number) => {
      sleeps.push(milliseconds);
      time += milliseconds;
    },
  };
}
