import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../cli/support/paths.ts';

/** A reference of a text to a file: its path, then words that it contains, each in backticks. */
export interface Named {
  /** Relative to the checkout. */
  file: string;
  words: string[];
}

const CODE = /`([^`\n]+)`/g;

/** The first file that a text names, and the words after it. @throws Error if the text names no file */
export function namedIn(text: string): Named {
  const [file, ...words] = [...text.matchAll(CODE)].map(([, code = '']) => code);
  if (file === undefined || !file.includes('/')) throw new Error(`This names no file first: ${text}`);
  return { file, words };
}

/** Errors in a reference: a file that does not exist, or words that it does not contain. */
export function missing({ file, words }: Named): string[] {
  const path = join(root, file);
  if (!existsSync(path) || !statSync(path).isFile()) return [`${file} does not exist`];
  const text = readFileSync(path, 'utf8');
  return words.filter((word) => !text.includes(word)).map((word) => `${file} does not have ${word}`);
}
