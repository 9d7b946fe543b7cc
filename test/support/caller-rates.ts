/** Rates of callers that no test reaches, as the environment of App1's functions tells them. */
export const highRates = {
  RATE_LIMITS_TABLE: 'app1-rate-limits',
  DESCRIBES_PER_SECOND: 1_000_000,
  DESCRIBES_PER_SECOND_AND_CALLER: 1_000_000,
};
