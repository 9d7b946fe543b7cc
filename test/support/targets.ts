import { POLICY } from './password-policy.ts';

/** App1's registry of targets as its functions read it: App2, and a target in each state. */
export const REGISTRY = [
  { name: 'app2', state: 'active' as const, password_policy: POLICY },
  { name: 'payments', state: 'active' as const, password_policy: { ...POLICY, minimum_length: 20 } },
  { name: 'orders', state: 'retired' as const, password_policy: POLICY },
  { name: 'old', state: 'gone' as const },
];
