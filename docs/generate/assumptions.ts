import { type Assumption, assumptions } from '../../acceptance/assumptions.ts';

/** Generates docs/aws-assumptions.md from the table of assumptions of the acceptance. */
export const assumptionsPage = 'docs/aws-assumptions.md';

/** Files as links, from a page in docs/. */
const links = (files: readonly string[]): string => files.map((file) => `[${file}](../${file})`).join(', ');

const row = ({ id, assumption, reliesOn, source }: Assumption, lastCell: string): string =>
  `| <a id="${id}"></a>${id} | ${assumption} | ${links(reliesOn)} | ${source} | ${lastCell} |`;

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
  return `# Assumptions about AWS

Generated from [the table](../acceptance/assumptions.ts) by \`npm run generate\`; do not edit.

The system was built and tested on a [local AWS](decisions/0006-corrected-local-aws.md), which follows AWS's documentation
and responses that were recorded on AWS. Neither fully confirms the assumptions on this page. In an AWS account, the
[acceptance](deploying.md#run-the-acceptance) verifies them: a failed check names the wrong assumption, and this page lists the files
that rely on it. Sources without a host are pages of docs.aws.amazon.com.

## Verified by the acceptance

| Assumption | Behaviour of AWS | Relied on in | Source | Verified by |
|---|---|---|---|---|
${decided.join('\n')}

## Not verified

| Assumption | Behaviour of AWS | Relied on in | Source | Reason and mitigation |
|---|---|---|---|---|
${undecided.join('\n')}
`;
}
