import { Stack } from 'aws-cdk-lib';
import {
  AccessLogFormat,
  EndpointType,
  JsonSchemaType,
  JsonSchemaVersion,
  LambdaIntegration,
  LogGroupLogDestination,
  type MethodOptions,
  type Model,
  type RequestValidator,
  RestApi,
} from 'aws-cdk-lib/aws-apigateway';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import * as z from 'zod';
import type { Route } from '../../contracts/routes.ts';
import { acknowledge } from '../checks.ts';
import type { ServiceSettings } from '../service-settings.ts';
import { addProblemResponses } from './problem-responses.ts';

interface ServiceApiProps {
  apiName: string;
  description: string;
  /** The authorization of every route. */
  authorization: MethodOptions;
  /** Callers with an API key and a rate limit of their own. If there is at least one, every request needs a key. */
  callers?: readonly string[];
  settings: ServiceSettings;
}

/** Rate per second and burst of a caller with a limit of its own: a fifth of the limits of the stage. */
const PER_CALLER = { rateLimit: 20, burstLimit: 100 };

const STAGE = 'v1';

const bodyType = z.enum(JsonSchemaType);

/** A service's REST API: authorization on every route, errors as problem+json, an access log without secrets. */
export class ServiceApi extends Construct {
  readonly api: RestApi;
  readonly accessLog: LogGroup;
  readonly #authorization: MethodOptions;
  readonly #validator: RequestValidator;
  readonly #models = new Map<JsonSchemaType, Model>();

  constructor(
    scope: Construct,
    id: string,
    { apiName, description, authorization, callers = [], settings }: ServiceApiProps,
  ) {
    super(scope, id);
    this.#authorization = { ...authorization, apiKeyRequired: callers.length > 0 };
    this.accessLog = new LogGroup(this, 'AccessLog', {
      logGroupName: `/aws/apigateway/${apiName}`,
      retention: settings.logRetention,
      removalPolicy: settings.removalPolicy,
    });
    this.api = new RestApi(this, 'Api', {
      restApiName: apiName,
      description,
      endpointTypes: [EndpointType.REGIONAL],
      // API Gateway rejects access logs in an account without this role. The role belongs to the account, so it outlives the stack.
      // docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html
      cloudWatchRole: settings.setsApiGatewayLogRole,
      ...(settings.setsApiGatewayLogRole
        ? { cloudWatchRoleRemovalPolicy: settings.unnamedRemovalPolicy }
        : {}),
      deployOptions: {
        stageName: STAGE,
        tracingEnabled: settings.tracing,
        throttlingRateLimit: 100,
        throttlingBurstLimit: 500,
        accessLogDestination: new LogGroupLogDestination(this.accessLog),
        accessLogFormat: AccessLogFormat.jsonWithStandardFields({
          caller: true,
          httpMethod: true,
          ip: false,
          protocol: true,
          requestTime: true,
          resourcePath: true,
          responseLength: true,
          status: true,
          user: false,
        }),
      },
    });
    this.#validator = this.api.addRequestValidator('Validator', {
      validateRequestBody: true,
      validateRequestParameters: true,
    });
    addProblemResponses(this.api);
    for (const caller of callers) this.#addUsagePlan(caller);
    acknowledge(this.api, {
      'AwsSolutions-APIG3':
        'A web ACL is a decision of the account and has a price. Callers are authorized principals, and the stage has limits.',
      'AwsSolutions-APIG6':
        'Execution logs repeat parts of invalid bodies, including passwords. The access log has every request.',
      'AwsSolutions-COG4':
        'App1 authorizes IAM principals. App2 has a Lambda authorizer that also checks client and group by route.',
      'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]':
        'API Gateway documents this policy for its account-wide log role, and AWS maintains it.',
    });
  }

  /** docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-usage-plans.html */
  #addUsagePlan(caller: string): void {
    const plan = this.api.addUsagePlan(`Plan-${caller}`, {
      name: `${this.api.restApiName}-${caller}`,
      throttle: PER_CALLER,
      apiStages: [{ stage: this.api.deploymentStage }],
    });
    const key = this.api.addApiKey(`Key-${caller}`, { apiKeyName: `${this.api.restApiName}-${caller}` });
    plan.addApiKey(key);
  }

  /** Name of the API, as in CloudWatch's dimension `ApiName`. */
  get name(): string {
    return this.api.restApiName;
  }
  get stage(): string {
    return STAGE;
  }

  /** URL of the stage, without a trailing slash. */
  get url(): string {
    const { region, urlSuffix } = Stack.of(this);
    return `https://${this.api.restApiId}.execute-api.${region}.${urlSuffix}/${this.api.deploymentStage.stageName}`;
  }

  /** Connects each route of a contract with its function, so that exactly the documented routes are deployed. */
  addRoutes<Name extends string>(
    routes: Readonly<Record<Name, Route>>,
    handlers: Record<Name, IFunction>,
  ): void {
    for (const name in routes) this.addRoute(routes[name], handlers[name]);
  }

  /** Adds a route. API Gateway checks only the JSON type of the body. */
  addRoute(
    { method, path, body }: Pick<Route, 'path' | 'body'> & { method: string },
    handler: IFunction,
  ): void {
    const model = body === undefined ? {} : { requestModels: { 'application/json': this.#modelOf(body) } };
    this.api.root
      .resourceForPath(path)
      .addMethod(method, new LambdaIntegration(handler, { allowTestInvoke: false }), {
        ...this.#authorization,
        ...model,
        requestValidator: this.#validator,
      });
  }

  /**
   * The model by which API Gateway rejects a body that is not JSON of the expected type. The function validates the fields:
   * it reports all errors at once, and API Gateway's own message would repeat the request.
   * docs.aws.amazon.com/apigateway/latest/developerguide/models-mappings-models.html (JSON schema draft 4)
   */
  #modelOf(body: z.ZodType): Model {
    const type = bodyType.parse(z.toJSONSchema(body, { target: 'draft-4', io: 'input' }).type);
    const known = this.#models.get(type);
    if (known !== undefined) return known;
    const model = this.api.addModel(`Json-${type}`, {
      contentType: 'application/json',
      schema: { schema: JsonSchemaVersion.DRAFT4, type },
    });
    this.#models.set(type, model);
    return model;
  }
}
