/** Environment variables with rates that no test exceeds. */
export const highRates = {
  RATE_LIMITS_TABLE: 'app1-rate-limits',
  DESCRIBES_PER_SECOND: 1_000_000,
  DESCRIBES_PER_SECOND_AND_CALLER: 1_000_000,
};
