import { cp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { CommandError } from '../../cli/support/command-error.ts';
import { root } from '../../cli/support/paths.ts';
import { venv } from '../../local/paths.ts';
import type { Mutation } from './mutations.ts';

/** Copies the checkout without ignored files; the copy shares the installed packages. */
export async function copyCheckout(to: string): Promise<void> {
  await rm(to, { recursive: true, force: true });
  const { stdout } = await execa('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
  });
  for (const file of stdout.split('\n'))
    await cp(join(root, file), join(to, file), { recursive: true }).catch((error: unknown) => {
      // A deleted file that is not committed yet.
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    });
  await symlink(join(root, 'node_modules'), join(to, 'node_modules'));
  await mkdir(join(to, '.local'), { recursive: true });
  await symlink(venv, join(to, '.local', 'venv'));
}

/** Applies a mutation to a copy; returns a function that reverts it. @throws CommandError unless each text occurs once */
export async function apply({ name, changes }: Mutation, copy: string): Promise<() => Promise<void>> {
  const before = new Map<string, string>();
  for (const { file, from, to } of changes) {
    const path = join(copy, file);
    const text = await readFile(path, 'utf8');
    const count = text.split(from).length - 1;
    if (count !== 1)
      throw new CommandError(
        `The mutation "${name}" does not fit: its text occurs ${count} times in ${file}.`,
        `Adapt test/mutations/mutations.ts to ${dirname(file)}.`,
      );
    before.set(path, before.get(path) ?? text);
    await writeFile(
      path,
      text.replace(from, () => to),
    );
  }
  return async () => {
    for (const [path, text] of before) await writeFile(path, text);
  };
}
