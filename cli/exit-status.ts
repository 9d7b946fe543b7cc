/** Exit statuses of every command, for scripts. docs/cli.md contains this table. */
export const exits = {
  ok: { status: 0, meaning: 'The command succeeded.' },
  failed: {
    status: 1,
    meaning:
      'The provisioning failed; a check of `doctor` failed; a target is not reachable; or credentials were not revoked.',
  },
  usage: { status: 2, meaning: 'Wrong usage: an option, a value or a field of the request is not valid.' },
  unreachable: {
    status: 3,
    meaning:
      'The system cannot be called: no credentials, no permission, not deployed, not reachable, or throttled.',
  },
  notFound: { status: 4, meaning: 'The provisioning does not exist or belongs to another owner.' },
  conflict: {
    status: 5,
    meaning:
      'Not possible in the current state: it is still running, its user exists, or the key was used for another request.',
  },
  pending: { status: 6, meaning: 'Not finished within `--timeout`; it continues.' },
  unexpected: { status: 70, meaning: 'An unexpected error; report it.' },
  outputFailed: {
    status: 74,
    meaning:
      'The output could not be written, for example to a full disk. The request is done or continues: `list` shows it.',
  },
  interrupted: { status: 130, meaning: 'Interrupted; the request continues.' },
  outputClosed: { status: 141, meaning: 'The reader of the output has closed it; the request continues.' },
} as const;

export type Exit = keyof typeof exits;
