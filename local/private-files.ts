import { randomUUID } from 'node:crypto';
import { chmod, mkdir, rename, stat, writeFile } from 'node:fs/promises';

/** Files and folders with credentials, which only their owner can read. The mode of existing ones is changed, too. */

const OWNER_ONLY_DIRECTORY = 0o700;
const OWNER_ONLY_FILE = 0o600;
/** The mode of a shared folder like /tmp, which is not changed. */
const STICKY = 0o1000;

/** Creates a folder and its parents. A folder of another user keeps its mode. */
export async function makePrivateDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: OWNER_ONLY_DIRECTORY });
  const { mode, uid } = await stat(path);
  if (uid === process.getuid?.() && (mode & STICKY) === 0) await chmod(path, OWNER_ONLY_DIRECTORY);
}

/** Writes a file atomically: a reader sees the old or the new content. */
export async function writePrivateFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomUUID()}`;
  await writeFile(temporary, text, { mode: OWNER_ONLY_FILE });
  await rename(temporary, path);
}

/** Restricts the mode of a file that another program has written. */
export const makeFilePrivate = (path: string): Promise<void> => chmod(path, OWNER_ONLY_FILE);
