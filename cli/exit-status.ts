/** Exit statuses of every command: what a script can rely on. docs/cli.md shows this table. */
export const exits = {
  ok: { status: 0, meaning: 'Done, and well.' },
  bad: {
    status: 1,
    meaning: 'The provisioning ended badly; `doctor` found something wrong; credentials were not revoked.',
  },
  usage: { status: 2, meaning: 'Wrong usage: an option, a value or a field of the request is not valid.' },
  unreachable: {
    status: 3,
    meaning: 'Nothing can be asked: no credentials, no right, not deployed, not reachable, or too busy.',
  },
  notFound: { status: 4, meaning: 'There is no such provisioning, or it is of another owner.' },
  conflict: {
    status: 5,
    meaning: 'Not possible as things stand: still running, its user is there, or the key was used.',
  },
  pending: { status: 6, meaning: 'Not over in the time given by `--timeout`; it goes on.' },
  unexpected: { status: 70, meaning: 'Something unforeseen happened; report it.' },
  output: {
    status: 74,
    meaning:
      'The answer could not be written, as to a disk that is full; what was asked for is done, or goes on: `list` shows it.',
  },
  interrupted: { status: 130, meaning: 'Interrupted; what was asked for goes on.' },
  closed: { status: 141, meaning: 'Nobody reads the output any more; what was asked for goes on.' },
} as const;

export type Exit = keyof typeof exits;
