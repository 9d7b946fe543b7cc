/** Largest number of cases of a file that run at the same time. They wait for most of their duration. */
export const MAX_CONCURRENT_CASES = 120;

/** Pause between two polls, in milliseconds: the polls of all cases together would otherwise load the local AWS. */
export const POLL_INTERVAL_MS = 1_000;
