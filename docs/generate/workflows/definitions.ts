import * as z from 'zod';
import { workflowNameOf } from '../../../contracts/services.ts';
import { type Template, templates } from '../../../infra/templates.ts';
import { type Machine, machine } from '../../../workflows/asl.ts';

/** The deployed definitions of all state machines by the name of the workflow, with names in place of ARNs. */
export function definitions(): Record<string, Machine> {
  return Object.fromEntries(Object.values(templates()).flatMap(machinesIn));
}

const stateMachine = z.looseObject({
  StateMachineName: z.string(),
  DefinitionString: z.object({ 'Fn::Join': z.tuple([z.literal(''), z.array(z.unknown())]) }),
});

function machinesIn(template: Template): [string, Machine][] {
  return Object.values(template.Resources)
    .filter(({ Type }) => Type === 'AWS::StepFunctions::StateMachine')
    .map(({ Properties }) => {
      const { StateMachineName, DefinitionString } = stateMachine.parse(Properties);
      const text = DefinitionString['Fn::Join'][1].map((part) => textOf(part, template)).join('');
      return [workflowNameOf(StateMachineName), machine.parse(JSON.parse(text))];
    });
}

const reference = z.union([
  z.object({ 'Fn::GetAtt': z.tuple([z.string(), z.literal('Arn')]) }),
  z.object({ Ref: z.literal('AWS::Partition') }),
]);
const named = z.union([
  z.looseObject({ FunctionName: z.string() }).transform(({ FunctionName }) => FunctionName),
  z.looseObject({ Name: z.string() }).transform(({ Name }) => Name),
]);

/** A part of a definition: plain text, or the ARN of a function or bus, which is replaced by `${name}`. */
function textOf(part: unknown, { Resources }: Template): string {
  if (typeof part === 'string') return part;
  const to = reference.parse(part);
  if ('Ref' in to) return 'aws';
  const [logicalId] = to['Fn::GetAtt'];
  return `\${${named.parse(Resources[logicalId]?.Properties)}}`;
}
