import * as z from 'zod';
import type { Template } from '../../infra/templates.ts';

type Resource = Template['Resources'][string];

/** All resources of one type, by their logical ids. */
export function resources({ Resources }: Template, type: string): [string, Resource][] {
  return Object.entries(Resources).filter(([, { Type }]) => Type === type);
}

const statement = z.looseObject({
  Effect: z.string(),
  Action: z.union([z.string(), z.array(z.string())]).transform((actions) => [actions].flat()),
  Resource: z.unknown().optional(),
  Condition: z.unknown().optional(),
});
const policyProperties = z.looseObject({
  PolicyDocument: z.looseObject({ Statement: z.array(statement) }),
  Roles: z.array(z.object({ Ref: z.string() })),
});
const functionProperties = z.looseObject({
  FunctionName: z.string(),
  Role: z.object({ 'Fn::GetAtt': z.tuple([z.string(), z.literal('Arn')]) }),
});

/** The policy statements of each function's role, by the function's name. */
export function permissions(template: Template): Record<string, z.infer<typeof statement>[]> {
  const policies = resources(template, 'AWS::IAM::Policy').map(([, { Properties }]) =>
    policyProperties.parse(Properties),
  );
  return Object.fromEntries(
    resources(template, 'AWS::Lambda::Function').map(([, { Properties }]) => {
      const { FunctionName, Role } = functionProperties.parse(Properties);
      const [role] = Role['Fn::GetAtt'];
      const own = policies.filter(({ Roles }) => Roles.some(({ Ref }) => Ref === role));
      return [FunctionName, own.flatMap(({ PolicyDocument }) => PolicyDocument.Statement)];
    }),
  );
}
