import { type Assumption, assumptions } from '../../acceptance/assumptions.ts';

/** docs/aws-assumptions.md, from the table of the acceptance. */
export const assumptionsPage = 'docs/aws-assumptions.md';

/** Files as links, from a page in docs/. */
const links = (files: readonly string[]): string => files.map((file) => `[${file}](../${file})`).join(', ');

const row = ({ id, assumption, reliesOn, source }: Assumption, last: string): string =>
  `| <a id="${id}"></a>${id} | ${assumption} | ${links(reliesOn)} | ${source} | ${last} |`;

export function assumptionsDocument(): string {
  const decided = assumptions.flatMap((one) => {
    if (!('checks' in one.decidedBy)) return [];
    const { checks, with: option } = one.decidedBy;
    const names = checks.map((name) => `\`${name}\``).join(', ');
    return [row(one, option === undefined ? names : `${names} with \`${option}\``)];
  });
  const undecided = assumptions.flatMap((one) =>
    'undecided' in one.decidedBy ? [row(one, one.decidedBy.undecided)] : [],
  );
  return `# What is assumed of AWS

Generated from [the table](../acceptance/assumptions.ts); do not edit. \`npm run generate\` writes this page again.

The system was built and tested on a [local AWS](decisions/0006-corrected-local-aws.md), which follows AWS's documentation
and what others have recorded on AWS. These assumptions rest on neither alone. On an account,
[the acceptance](deploying.md#prove-it) decides them: a check that fails says which assumption is wrong and, by this page,
which files rely on it. Sources without a host are pages of docs.aws.amazon.com.

## Decided by the acceptance

| Assumption | What AWS does | Relied on in | Source | Decided by |
|---|---|---|---|---|
${decided.join('\n')}

## Decided by nothing that can be run

| Assumption | What AWS does | Relied on in | Source | Why, and what is done about it |
|---|---|---|---|---|
${undecided.join('\n')}
`;
}
