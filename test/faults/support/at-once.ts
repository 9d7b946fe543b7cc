/** How many cases of a file run at once at most. Nearly all of their time is waiting. */
export const AT_ONCE = 120;

/** Pause between two looks, in milliseconds: with so many cases the looking itself keeps the local AWS busy. */
export const LOOK_EVERY = 1_000;
