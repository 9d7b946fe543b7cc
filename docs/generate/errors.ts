import {
  type FailureName,
  failureClasses,
  failureDocs,
  failures,
  leftBehind,
} from '../../contracts/failures.ts';
import { leftByProblem, type ProblemCode, problems, retryAfter } from '../../contracts/problems.ts';

/** Generates docs/errors.md from the tables of failures and problems. */

export const errorsPage = 'docs/errors.md';

const failureNames = Object.keys(failures) as FailureName[]; // keys of a const object: exactly FailureName
const problemCodes = Object.keys(problems) as ProblemCode[]; // keys of a const object: exactly ProblemCode
const failureCodes = [...new Set(failureNames.map((name) => failures[name].code))];

type Rows = readonly (readonly [label: string, text: string])[];

const tableOf = (rows: Rows): string =>
  ['| | |', '|---|---|', ...rows.map(([label, text]) => `| ${label} | ${text} |`)].join('\n');

function failureTable(name: FailureName): string {
  const {
    cause,
    remedy,
    operator,
    left_behind,
    retryable,
    read_in,
    class: failureClass,
  } = { ...failures[name], ...failureDocs[name] };
  return tableOf([
    ['Error name', `\`${name}\``],
    ['Cause', cause],
    ['Remedy for the caller', remedy],
    ['Remedy for the operator', operator],
    ['Category', `\`${failureClass}\`: ${failureClasses[failureClass]}`],
    ['User afterwards', leftBehind[left_behind]],
    ['Retryable unchanged', retryable ? 'yes' : 'no'],
    [
      'Appears',
      read_in === 'status' ? 'as `error` of a status' : 'in timelines only; another attempt follows',
    ],
  ]);
}

function failureChapter(code: string): string {
  const ofCode = failureNames.filter((name) => failures[name].code === code);
  return [`### ${code}`, ...ofCode.flatMap((name) => [failures[name].message, failureTable(name)]), ''].join(
    '\n\n',
  );
}

function problemChapter(code: ProblemCode): string {
  const { status, title, detail, cause, operator, left_behind } = problems[code];
  const seconds = retryAfter(code);
  return [
    `### ${status} ${code}`,
    `${title}.`,
    tableOf([
      ['Cause', cause],
      ['Remedy for the caller', detail],
      ['Remedy for the operator', operator],
      ['User afterwards', leftByProblem[left_behind]],
      ['`Retry-After`', seconds === undefined ? 'none' : `${seconds} s`],
    ]),
    '',
  ].join('\n\n');
}

/** The page of all error codes that an API returns. */
export function errorsDocument(): string {
  return `# Errors

Generated from [the failures](../contracts/failures.ts) and [the problems](../contracts/problems.ts) by \`npm run generate\`; do
not edit.

There are two kinds of errors. A **problem** is the response to a request that was rejected (\`application/problem+json\`,
RFC 9457). A **failure** is the reason why an accepted provisioning failed: the status contains it as \`error\`, and
\`?include=timeline\` contains the error of each attempt of each step. Codes are stable; texts can change.

A timeline also contains error names of AWS. Such an error has the code of the entry to which it is mapped.

## Problems: the request was rejected

${problemCodes.map(problemChapter).join('\n')}
## Failures: the provisioning failed

\`step\` is the state of the workflow that failed, or \`Execution\` if the workflow as a whole failed.

${failureCodes.map(failureChapter).join('\n')}`.replace(/\n{3,}/g, '\n\n');
}
