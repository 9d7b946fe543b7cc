import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { recordings } from '../../local/paths.ts';
import { makePrivateDirectory } from '../../local/private-files.ts';

/** Creates an empty folder for the requests and responses that test/models compares. @param directory folder of the suite's local AWS */
export async function recordingsOf(directory: string): Promise<string> {
  const folder = join(recordings, basename(directory));
  await rm(folder, { recursive: true, force: true });
  await makePrivateDirectory(folder);
  return folder;
}
