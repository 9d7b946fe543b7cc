import * as z from 'zod';

/** Zod compiles checks with eval, which the Content-Security-Policy blocks. Imported before any schema. */
z.config({ jitless: true });
