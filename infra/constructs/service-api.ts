import { Stack } from 'aws-cdk-lib';
import {
  AccessLogFormat,
  EndpointType,
  LambdaIntegration,
  LogGroupLogDestination,
  type MethodOptions,
  RestApi,
} from 'aws-cdk-lib/aws-apigateway';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { Settings } from '../settings.ts';
import { answerWithProblems } from './problem-responses.ts';

interface ServiceApiProps {
  apiName: string;
  description: string;
  /** What a request must show, for every route. */
  authorization: MethodOptions;
  settings: Settings;
}

/** A service's REST API: authorization on every route, problems as problem+json, an access log without secrets. */
export class ServiceApi extends Construct {
  readonly api: RestApi;
  readonly accessLog: LogGroup;
  readonly #authorization: MethodOptions;

  constructor(
    scope: Construct,
    id: string,
    { apiName, description, authorization, settings }: ServiceApiProps,
  ) {
    super(scope, id);
    this.#authorization = authorization;
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
      cloudWatchRole: true,
      cloudWatchRoleRemovalPolicy: settings.removalPolicy,
      deployOptions: {
        stageName: 'v1',
        throttlingRateLimit: 100,
        throttlingBurstLimit: 200,
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
    answerWithProblems(this.api);
  }

  /** Address of the stage, without a slash at its end. */
  get url(): string {
    const { region, urlSuffix } = Stack.of(this);
    return `https://${this.api.restApiId}.execute-api.${region}.${urlSuffix}/${this.api.deploymentStage.stageName}`;
  }

  /** A route that a function answers. */
  route(method: 'GET' | 'POST' | 'DELETE', path: string, handler: IFunction): void {
    this.api.root
      .resourceForPath(path)
      .addMethod(method, new LambdaIntegration(handler, { allowTestInvoke: false }), this.#authorization);
  }
}
