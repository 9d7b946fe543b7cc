/** The targets that the setup of the suite deploys. The first one is App1's default. */
export const targets = ['app2', 'payments', 'orders'] as const;
