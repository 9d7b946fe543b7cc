import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../cli/support/paths.ts';

/** What a text says of a file: its path, then words that are in it, each in backticks. */
export interface Named {
  /** Relative to the checkout. */
  file: string;
  words: string[];
}

const CODE = /`([^`\n]+)`/g;

/** The file that a text names first, and the words that it names of that file. @throws Error when it names no file */
export function namedIn(text: string): Named {
  const [file, ...words] = [...text.matchAll(CODE)].map(([, code = '']) => code);
  if (file === undefined || !file.includes('/')) throw new Error(`This names no file first: ${text}`);
  return { file, words };
}

/** What is not as the text says: a file that does not exist, or words that it does not have. */
export function missing({ file, words }: Named): string[] {
  const path = join(root, file);
  if (!existsSync(path) || !statSync(path).isFile()) return [`${file} does not exist`];
  const text = readFileSync(path, 'utf8');
  return words.filter((word) => !text.includes(word)).map((word) => `${file} does not have ${word}`);
}
