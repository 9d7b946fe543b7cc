import { AccessAnalyzerClient, ValidatePolicyCommand } from '@aws-sdk/client-accessanalyzer';
import { SFNClient, ValidateStateMachineDefinitionCommand } from '@aws-sdk/client-sfn';
import pLimit from 'p-limit';
import * as z from 'zod';
import { type Policy, policiesIn } from '../../infra/policies.ts';
import { fixedName, resolver } from '../../infra/resolve.ts';
import { type Finding, missing, note, ok } from './finding.ts';
import type { Target } from './target.ts';

/** Calls at once; Access Analyzer lets few through. */
const AT_ONCE = 4;

const machine = z.looseObject({ DefinitionString: z.unknown() });

/**
 * What Step Functions says of each definition.
 * docs.aws.amazon.com/step-functions/latest/apireference/API_ValidateStateMachineDefinition.html
 */
export async function definitionFindings({ client, stacks, place }: Target): Promise<Finding[]> {
  const stepFunctions = client(SFNClient);
  const machines = stacks.flatMap(({ template }) => {
    const resolve = resolver(template, place);
    return Object.values(template.Resources)
      .filter(({ Type }) => Type === 'AWS::StepFunctions::StateMachine')
      .map((resource) => ({
        name: String(resolve(fixedName(resource))),
        definition: String(resolve(machine.parse(resource.Properties).DefinitionString)),
      }));
  });
  return Promise.all(
    machines.map(async ({ name, definition }) => {
      const what = `definition of ${name}`;
      const { result, diagnostics = [] } = await stepFunctions.send(
        new ValidateStateMachineDefinitionCommand({ definition, type: 'STANDARD', severity: 'WARNING' }),
      );
      const found = diagnostics
        .map(({ code, message, location }) => `${code} ${location ?? ''} ${message}`)
        .join('; ');
      if (result !== 'OK') return missing(what, found, 'one that AWS takes', 'Correct workflows/.');
      return found === ''
        ? ok(what, 'valid', 'one that AWS takes')
        : note(what, found, 'one that AWS takes', 'See it.');
    }),
  );
}

/**
 * What IAM Access Analyzer says of each policy. A security warning is no reason why a deployment would fail.
 * docs.aws.amazon.com/access-analyzer/latest/APIReference/API_ValidatePolicy.html
 */
export async function policyFindings({ client, stacks, place }: Target): Promise<Finding[]> {
  const analyzer = client(AccessAnalyzerClient);
  const limit = pLimit(AT_ONCE);
  const policies = stacks.flatMap(({ name, template }) =>
    policiesIn(template, place).map((policy) => ({ ...policy, path: `${name}/${policy.path}` })),
  );
  const found = await Promise.all(policies.map((policy) => limit(() => findingsOf(analyzer, policy))));
  return found.flat().length > 0
    ? found.flat()
    : [ok('policies', 'valid', `${policies.length} policies that AWS takes`)];
}

async function findingsOf(
  analyzer: AccessAnalyzerClient,
  { path, kind, resourceType, document }: Policy,
): Promise<Finding[]> {
  const { findings = [] } = await analyzer.send(
    new ValidatePolicyCommand({
      policyDocument: JSON.stringify(document),
      policyType: kind === 'identity' ? 'IDENTITY_POLICY' : 'RESOURCE_POLICY',
      ...(resourceType === 'AWS::IAM::Role' && kind === 'resource'
        ? { validatePolicyResourceType: 'AWS::IAM::AssumeRolePolicyDocument' }
        : {}),
    }),
  );
  return findings.flatMap(({ findingType, issueCode, findingDetails, learnMoreLink }) => {
    if (findingType === 'SUGGESTION') return [];
    const told = [
      `policy ${path}`,
      `${issueCode}: ${findingDetails}`,
      'one that AWS takes',
      `See ${learnMoreLink}.`,
    ] as const;
    return [findingType === 'ERROR' ? missing(...told) : note(...told)];
  });
}
