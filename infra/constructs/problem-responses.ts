import { type ResponseType, type RestApi, ResponseType as Type } from 'aws-cdk-lib/aws-apigateway';
import { commonHeaders } from '../../contracts/headers.ts';
import { type FieldError, type ProblemCode, problemBody, retryAfter } from '../../contracts/problems.ts';

/**
 * The responses that API Gateway itself returns without invoking a function, as problem+json like all other errors: one row
 * for each response type. The texts are constant, because API Gateway's own messages repeat the request: the body
 * (`validationErrorString`) or the Authorization header (`messageString` of a malformed signature).
 *
 * The two defaults are for errors without a type of their own. The known one is a malformed Authorization header with IAM
 * authorization, for which API Gateway returns 403.
 * docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
 */
const responses: readonly (readonly [ResponseType, ProblemCode, errors?: FieldError[]])[] = [
  [Type.DEFAULT_4XX, 'FORBIDDEN'],
  [Type.DEFAULT_5XX, 'INTERNAL_ERROR'],
  [Type.UNAUTHORIZED, 'UNAUTHENTICATED'],
  [Type.ACCESS_DENIED, 'FORBIDDEN'],
  [Type.MISSING_AUTHENTICATION_TOKEN, 'FORBIDDEN'],
  [Type.INVALID_SIGNATURE, 'FORBIDDEN'],
  [Type.EXPIRED_TOKEN, 'FORBIDDEN'],
  [Type.INVALID_API_KEY, 'FORBIDDEN'],
  [Type.WAF_FILTERED, 'FORBIDDEN'],
  [Type.RESOURCE_NOT_FOUND, 'NOT_FOUND'],
  [Type.REQUEST_TOO_LARGE, 'PAYLOAD_TOO_LARGE'],
  [Type.UNSUPPORTED_MEDIA_TYPE, 'UNSUPPORTED_MEDIA_TYPE'],
  [Type.THROTTLED, 'THROTTLED'],
  [Type.QUOTA_EXCEEDED, 'THROTTLED'],
  // The only error that the models of ServiceApi can find.
  [Type.BAD_REQUEST_BODY, 'INVALID_REQUEST', [{ pointer: '', detail: 'must be a JSON object' }]],
  [Type.BAD_REQUEST_PARAMETERS, 'INVALID_REQUEST'],
  [Type.API_CONFIGURATION_ERROR, 'INTERNAL_ERROR'],
  [Type.AUTHORIZER_FAILURE, 'INTERNAL_ERROR'],
  [Type.AUTHORIZER_CONFIGURATION_ERROR, 'INTERNAL_ERROR'],
  [Type.INTEGRATION_FAILURE, 'SERVICE_UNAVAILABLE'],
  [Type.INTEGRATION_TIMEOUT, 'SERVICE_UNAVAILABLE'],
];

/** Has an API return problem+json for each of these response types. */
export function addProblemResponses(api: RestApi): void {
  for (const [type, code, errors] of responses) {
    const body = problemBody(code, errors);
    const seconds = retryAfter(code);
    api.addGatewayResponse(type.responseType, {
      type,
      statusCode: String(body.status),
      responseHeaders: Object.fromEntries(
        Object.entries({
          ...commonHeaders,
          'Content-Type': 'application/problem+json',
          ...(seconds === undefined ? {} : { 'Retry-After': seconds }),
        }).map(([name, value]) => [name, `'${value}'`]),
      ),
      templates: { 'application/json': JSON.stringify(body) },
    });
  }
}
