import {
  type FailureName,
  failureClasses,
  failureDocs,
  failures,
  leftBehind,
} from '../../contracts/failures.ts';
import { leftByProblem, type ProblemCode, problems, retryAfter } from '../../contracts/problems.ts';

/** What is generated from the pages of failures and problems: docs/errors.md. */

export const errorsPage = 'docs/errors.md';

const failureNames = Object.keys(failures) as FailureName[]; // keys of a const object: exactly FailureName
const problemCodes = Object.keys(problems) as ProblemCode[]; // keys of a const object: exactly ProblemCode
const failureCodes = [...new Set(failureNames.map((name) => failures[name].code))];

type Rows = readonly (readonly [what: string, text: string])[];

const tableOf = (rows: Rows): string =>
  ['| | |', '|---|---|', ...rows.map(([what, text]) => `| ${what} | ${text} |`)].join('\n');

function failureTable(name: FailureName): string {
  const {
    cause,
    remedy,
    operator,
    left_behind,
    retryable,
    read_in,
    class: whose,
  } = { ...failures[name], ...failureDocs[name] };
  return tableOf([
    ['name of the error', `\`${name}\``],
    ['cause', cause],
    ['what the caller does', remedy],
    ['what the operator does', operator],
    ['whose matter', `\`${whose}\`: ${failureClasses[whose]}`],
    ['left behind', leftBehind[left_behind]],
    ['can be sent again as it is', retryable ? 'yes' : 'no'],
    ['is read', read_in === 'status' ? "as a status's error" : 'in timelines only; another attempt follows'],
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
      ['cause', cause],
      ['what the caller does', detail],
      ['what the operator does', operator],
      ['left behind', leftByProblem[left_behind]],
      ['`Retry-After`', seconds === undefined ? 'none' : `${seconds} s`],
    ]),
    '',
  ].join('\n\n');
}

/** The page of all codes that a caller can meet. */
export function errorsDocument(): string {
  return `# Errors

Generated from [the failures](../contracts/failures.ts) and [the problems](../contracts/problems.ts); do not edit.
\`npm run generate\` writes this page again.

There are two kinds. A **problem** is the answer to a request that was not served (\`application/problem+json\`, RFC 9457).
A **failure** is why a provisioning that was accepted did not end well; the status tells it as \`error\`, and
\`?include=timeline\` tells of each attempt of each step what it failed with. Codes are stable; the texts are for people.

An error that has no row of its own (a timeline tells AWS's own names) has the code of the row that it means.

## Problems: the request was not served

${problemCodes.map(problemChapter).join('\n')}
## Failures: the provisioning did not end well

\`step\` is the state of the workflow in which it failed; \`Execution\` when it was no step, but the workflow as a whole.

${failureCodes.map(failureChapter).join('\n')}`.replace(/\n{3,}/g, '\n\n');
}
