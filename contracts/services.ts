import * as z from 'zod';

/** The services: prefixes of functions, logs and alarms, and names in events, timelines and settings. */
export const services = ['app1', 'app2'] as const;

export const service = z.enum(services);
export type Service = z.infer<typeof service>;
