import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { eventRows } from '../../contracts/events/catalogue.ts';
import { packageApiDocument, packageApiPage } from '../../package/api-report.ts';
import { apiPage, apiPageFile } from './api-page.ts';
import { architectureDocument, architecturePage } from './architecture.ts';
import { assumptionsDocument, assumptionsPage } from './assumptions.ts';
import { cliDocument, cliPage } from './cli.ts';
import { errorsDocument, errorsPage } from './errors.ts';
import { generatedFromEvents, hashOf, jsonSchemaOf, publishedFile } from './events.ts';
import { metricsDocument, metricsPage } from './metrics.ts';
import { generatedFromRoutes } from './openapi.ts';
import { runbooksDocument, runbooksPage } from './runbooks.ts';
import { settingsDocument, settingsPage } from './settings.ts';
import { generatedFromWorkflows } from './workflows/page.ts';

/**
 * Writes the documents that are generated from the contracts and from the templates. A published event schema does not
 * change: a change needs a new version.
 */
const root = join(import.meta.dirname, '..', '..');
const hashesPath = join(root, publishedFile);
const published = existsSync(hashesPath)
  ? z.record(z.string(), z.string()).parse(JSON.parse(readFileSync(hashesPath, 'utf8')))
  : {};

const changed = eventRows.filter(([name, { version }]) => {
  const known = published[`${name}@${version}`];
  return known !== undefined && known !== hashOf(jsonSchemaOf(name));
});
if (changed.length > 0) {
  for (const [name, { version }] of changed)
    console.error(
      `The schema of ${name} differs from the published version ${version}: give it a new version.`,
    );
  process.exit(1);
}
for (const [name, { version }] of eventRows) published[`${name}@${version}`] = hashOf(jsonSchemaOf(name));
const files = {
  ...generatedFromWorkflows(),
  ...generatedFromEvents(),
  [publishedFile]: `${JSON.stringify(published, null, 2)}\n`,
  [errorsPage]: errorsDocument(),
  ...generatedFromRoutes(),
  [apiPageFile]: apiPage(),
  [cliPage]: cliDocument(),
  [packageApiPage]: packageApiDocument(),
  [metricsPage]: metricsDocument(),
  [architecturePage]: architectureDocument(),
  [assumptionsPage]: assumptionsDocument(),
  [settingsPage]: settingsDocument(),
  [runbooksPage]: runbooksDocument(),
};
for (const [file, content] of Object.entries(files)) {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), content);
}
