import * as z from 'zod';

/** The services, as names of functions, logs and alarms begin, and as events, timelines and settings name them. */
export const services = ['app1', 'app2'] as const;

export const service = z.enum(services);
export type Service = z.infer<typeof service>;
