import type { FieldError, ProblemCode } from '../../contracts/problems.ts';

/** A problem of a request. `api` turns it into the problem response of its code. */
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
