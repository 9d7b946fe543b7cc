/** The package ships no types. */
declare module 'asl-validator' {
  /** Adds defaults to the definition that it is given. */
  export default function validate(
    definition: object,
    options?: { checkPaths?: boolean; checkArn?: boolean },
  ): { isValid: boolean; errorsText: (separator?: string) => string };
}
