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
import type { Settings } from '../settings.ts';
import { answerWithProblems } from './problem-responses.ts';

interface ServiceApiProps {
  apiName: string;
  description: string;
  /** What a request must show, for every route. */
  authorization: MethodOptions;
  /** Callers with an API key and a limit of their own; when there are some, every request needs a key. */
  callers?: readonly string[];
  settings: Settings;
}

/** Requests per second, and at once, of a caller with a limit of its own: a fifth of what all have together. */
const PER_CALLER = { rateLimit: 20, burstLimit: 100 };

const STAGE = 'v1';

const bodyType = z.enum(JsonSchemaType);

/** A service's REST API: authorization on every route, problems as problem+json, an access log without secrets. */
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
      // An account without this role refuses access logs; the setting is the account's, so it outlives the stack.
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
    answerWithProblems(this.api);
    for (const caller of callers) this.#limit(caller);
    acknowledge(this.api, {
      'AwsSolutions-APIG3':
        "A web ACL is the account's matter and has its price; callers are known principals, and the stage has limits.",
      'AwsSolutions-APIG6':
        'Execution logs repeat what a validator finds in a body, passwords included. The access log has every request.',
      'AwsSolutions-COG4':
        'App1 takes signatures of IAM principals; App2 has an authorizer that also checks client and group, by route.',
      'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]':
        'The policy that API Gateway documents for its account-wide log role; AWS keeps it up to date.',
    });
  }

  /** docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-usage-plans.html */
  #limit(caller: string): void {
    const plan = this.api.addUsagePlan(`Plan-${caller}`, {
      name: `${this.api.restApiName}-${caller}`,
      throttle: PER_CALLER,
      apiStages: [{ stage: this.api.deploymentStage }],
    });
    const key = this.api.addApiKey(`Key-${caller}`, { apiKeyName: `${this.api.restApiName}-${caller}` });
    plan.addApiKey(key);
  }

  /** Name and stage, as CloudWatch knows the API. */
  get name(): string {
    return this.api.restApiName;
  }
  get stage(): string {
    return STAGE;
  }

  /** Address of the stage, without a slash at its end. */
  get url(): string {
    const { region, urlSuffix } = Stack.of(this);
    return `https://${this.api.restApiId}.execute-api.${region}.${urlSuffix}/${this.api.deploymentStage.stageName}`;
  }

  /** Has each route of a contract answered by its function: none is deployed that is not documented, or the other way. */
  serve<Name extends string>(routes: Readonly<Record<Name, Route>>, handlers: Record<Name, IFunction>): void {
    for (const name in routes) this.#route(routes[name], handlers[name]);
  }

  /** A `body` that is not even of the kind that the route asks for stays outside. */
  #route({ method, path, body }: Route, handler: IFunction): void {
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
   * What API Gateway may refuse: a body that is not JSON of the right type. Which field is wrong it could say only by
   * repeating the request, so fields are the function's, which tells all their faults at once.
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
