import type { FieldError, ProblemCode } from '../../contracts/problems.ts';

/** A request that is answered with a problem instead of a success. */
export class RequestProblem extends Error {
  override readonly name = 'RequestProblem';
  readonly code: ProblemCode;
  readonly errors: FieldError[] | undefined;

  constructor(code: ProblemCode, errors?: FieldError[]) {
    super(code);
    this.code = code;
    this.errors = errors;
  }
}
