import { targetString } from '../contracts/targets.ts';

/** Name of the output with the Target string, after the prefix of its construct. */
const TARGET = 'Target';

/** The outputs of a stack. */
export interface StackOutputs {
  stackName: string;
  /** Values by their names in CloudFormation. */
  outputs: Readonly<Record<string, string>>;
}

/** The targets of a stack: each construct has an output with its Target string, and a prefix that its outputs share. */
export function targetsIn({ stackName, outputs }: StackOutputs): Map<string, Record<string, string>> {
  const targets = Object.entries(outputs).flatMap(([key, line]) => {
    const { data } = key.endsWith(TARGET) ? targetString.safeParse(line) : {};
    return data === undefined ? [] : [{ name: data.name, prefix: key.slice(0, -TARGET.length) }];
  });
  return new Map(
    targets.map(({ name, prefix }) => [
      name,
      {
        ...Object.fromEntries(
          Object.entries(outputs).flatMap(([key, value]) =>
            key.startsWith(prefix) ? [[key.slice(prefix.length), value]] : [],
          ),
        ),
        StackName: stackName,
      },
    ]),
  );
}
