import { type FieldError, type Problem, type ProblemCode, problems } from '../../contracts/problems.ts';

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

/** The body that tells the caller of a problem. */
export function problemBody(code: ProblemCode, errors?: FieldError[]): Problem {
  return { type: 'about:blank', ...problems[code], code, ...(errors === undefined ? {} : { errors }) };
}
