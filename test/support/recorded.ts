import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { recordings } from '../../local/paths.ts';
import { makePrivateDirectory } from '../../local/private-files.ts';

/** An empty folder for what passes at the local AWS of a suite, which lies in `directory`; for test/models. */
export async function recordingsOf(directory: string): Promise<string> {
  const folder = join(recordings, basename(directory));
  await rm(folder, { recursive: true, force: true });
  await makePrivateDirectory(folder);
  return folder;
}
