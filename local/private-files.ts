import { randomUUID } from 'node:crypto';
import { chmod, mkdir, rename, stat, writeFile } from 'node:fs/promises';

/**
 * Files and folders that only their owner can read, since they hold credentials, also where they were there before with
 * other modes.
 */

const OWNER_ONLY_DIRECTORY = 0o700;
const OWNER_ONLY_FILE = 0o600;
/** Of a folder that everybody writes into, like /tmp, whose mode is not ours to change. */
const STICKY = 0o1000;

/** Makes a folder, with those above it. One that belongs to somebody else keeps its mode. */
export async function makePrivateDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: OWNER_ONLY_DIRECTORY });
  const { mode, uid } = await stat(path);
  if (uid === process.getuid?.() && (mode & STICKY) === 0) await chmod(path, OWNER_ONLY_DIRECTORY);
}

/** Writes a file at once: whoever reads it sees all of it, or what it was before. */
export async function writePrivateFile(path: string, text: string): Promise<void> {
  const written = `${path}.${randomUUID()}`;
  await writeFile(written, text, { mode: OWNER_ONLY_FILE });
  await rename(written, path);
}

/** A file that another program has written. */
export const makeFilePrivate = (path: string): Promise<void> => chmod(path, OWNER_ONLY_FILE);
