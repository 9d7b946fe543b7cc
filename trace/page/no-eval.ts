import * as z from 'zod';

/** Zod compiles checks to code where it may; the Content-Security-Policy does not let it. Imported before any schema. */
z.config({ jitless: true });
