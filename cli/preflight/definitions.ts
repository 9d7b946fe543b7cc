import { AccessAnalyzerClient, ValidatePolicyCommand } from '@aws-sdk/client-accessanalyzer';
import { SFNClient, ValidateStateMachineDefinitionCommand } from '@aws-sdk/client-sfn';
import pLimit from 'p-limit';
import * as z from 'zod';
import { type Policy, policiesIn } from '../../infra/policies.ts';
import { fixedName, resolver } from '../../infra/resolve.ts';
import { type Finding, missing, note, ok } from './finding.ts';
import type { Plan } from './plan.ts';

/** Concurrent calls; Access Analyzer has a low quota. */
const AT_ONCE = 4;

const machine = z.looseObject({ DefinitionString: z.unknown() });

/**
 * Validates each definition with Step Functions.
 * docs.aws.amazon.com/step-functions/latest/apireference/API_ValidateStateMachineDefinition.html
 */
export async function definitionFindings({ client, stacks, environment }: Plan): Promise<Finding[]> {
  const stepFunctions = client(SFNClient);
  const machines = stacks.flatMap(({ template }) => {
    const resolve = resolver(template, environment);
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
      if (result !== 'OK') return missing(what, found, 'a valid definition', 'Correct workflows/.');
      return found === ''
        ? ok(what, 'valid', 'a valid definition')
        : note(what, found, 'a valid definition', 'Read the warning.');
    }),
  );
}

/**
 * Validates each policy with IAM Access Analyzer. A security warning does not prevent a deployment.
 * docs.aws.amazon.com/access-analyzer/latest/APIReference/API_ValidatePolicy.html
 */
export async function policyFindings({ client, stacks, environment }: Plan): Promise<Finding[]> {
  const analyzer = client(AccessAnalyzerClient);
  const limit = pLimit(AT_ONCE);
  const policies = stacks.flatMap(({ name, template }) =>
    policiesIn(template, environment).map((policy) => ({ ...policy, path: `${name}/${policy.path}` })),
  );
  const found = await Promise.all(policies.map((policy) => limit(() => findingsOf(analyzer, policy))));
  return found.flat().length > 0
    ? found.flat()
    : [ok('policies', 'valid', `${policies.length} valid policies`)];
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
    const finding = [
      `policy ${path}`,
      `${issueCode}: ${findingDetails}`,
      'a valid policy',
      `See ${learnMoreLink}.`,
    ] as const;
    return [findingType === 'ERROR' ? missing(...finding) : note(...finding)];
  });
}
