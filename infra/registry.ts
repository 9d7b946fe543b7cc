import { CfnParameter, Fn, Stack, Validations } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import {
  parameterOf,
  positionOf,
  SEPARATOR,
  type TargetField,
  type TargetState,
  targetFields,
} from '../contracts/targets.ts';

/** A target in the setting `targets`. */
export interface RegisteredName {
  readonly name: string;
  readonly state: TargetState;
}

/** A target that is not gone, with the fields of its Target string as CloudFormation reads them from the parameter. */
export interface PresentTarget extends RegisteredName {
  readonly state: Exclude<TargetState, 'gone'>;
  /** Account of the target. */
  readonly account: string;
  field(name: TargetField): string;
}

/**
 * App1's registry of targets: a parameter of the stack for each target that is not gone. Its value is the Target string that
 * the stack of the target has as its output. A value with another target's name is refused before the deployment starts.
 */
export class Registry {
  readonly names: readonly RegisteredName[];
  readonly targets: readonly PresentTarget[];
  readonly #stack: Stack;

  constructor(scope: Construct, names: readonly RegisteredName[]) {
    this.#stack = Stack.of(scope);
    this.names = names;
    Validations.of(this.#stack).acknowledge({
      id: 'CloudFormation-Validate::W2509',
      reason: 'The parameters contain the ARNs of secrets, not their values',
    });
    this.targets = names.flatMap(({ name, state }) => (state === 'gone' ? [] : [this.#present(name, state)]));
  }

  /**
   * The variable `TARGETS` of a function: every name with its state, and the given fields of each target that is not gone.
   * docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html: 4 KB for all variables
   */
  environment(...fields: readonly TargetField[]): { TARGETS: string } {
    const entries = this.names.map(({ name, state }) => {
      const target = this.targets.find((present) => present.name === name);
      const values = target === undefined ? [] : fields.map((field) => [field, target.field(field)]);
      return { name, state, ...Object.fromEntries(values) };
    });
    return { TARGETS: this.#stack.toJsonString(entries) };
  }

  /** The output `Targets`: every name with its state, and the Target string of each target that is not gone. */
  get output(): string {
    return this.#stack.toJsonString(
      this.names.map(({ name, state }) =>
        state === 'gone' ? { name, state } : { name, state, target: Fn.ref(parameterOf(name)) },
      ),
    );
  }

  #present(name: string, state: PresentTarget['state']): PresentTarget {
    const { valueAsString } = new CfnParameter(this.#stack, parameterOf(name), {
      description: `The target ${name}: the output Target of its stack`,
      allowedPattern: `^${name}(${SEPARATOR}[^${SEPARATOR}]+){${targetFields.length - 1},}$`,
      constraintDescription: `must be the output Target of the stack of ${name}`,
    });
    const field = (of: TargetField): string => Fn.select(positionOf(of), Fn.split(SEPARATOR, valueAsString));
    return { name, state, field, account: Fn.select(ACCOUNT, Fn.split(':', field('bus_arn'))) };
  }
}

/** Position of the account in an ARN. */
const ACCOUNT = 4;
