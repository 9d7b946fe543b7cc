import { writeFileSync } from 'node:fs';
import { document } from './document.ts';
import { failuresPage } from './failures-page.ts';

writeFileSync(failuresPage, document());
