import { endpoint, region, root } from './clients.ts';
import { present } from './present.ts';
import { createStack, type Template } from './stacks.ts';

/** Returns its event and its trace header, or the response in the header `x-answer`. */
const echo = `
exports.handler = async (event) => {
  const wanted = Object.entries(event.headers).find(([name]) => name.toLowerCase() === 'x-answer');
  if (wanted) return JSON.parse(wanted[1]);
  return { statusCode: 200, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ ...event, trace: process.env._X_AMZN_TRACE_ID }) };
};`;

/** The token selects the result: allow…, deny…, refuse…, or an error for any other. Each run returns a new number. */
const gate = `
exports.handler = async ({ authorizationToken, methodArn }) => {
  const wish = /^(allow|deny|refuse)?/.exec(authorizationToken)[0];
  if (wish === 'refuse') throw new Error('Unauthorized');
  if (wish === '') throw new Error('keys not reachable');
  const Resource = methodArn.split('/').slice(0, 2).join('/') + '/*';
  const Statement = [{ Action: 'execute-api:Invoke', Effect: wish === 'allow' ? 'Allow' : 'Deny', Resource }];
  const context = { group: 'api-client', run: Math.random(), verified: true };
  return { principalId: 'test-principal', policyDocument: { Version: '2012-10-17', Statement }, context };
};`;

export interface Api {
  /** The URL without a path. */
  url: string;
  name: string;
  /** The ARN of all its methods, for a policy. */
  arn: string;
  /** The name of its access log; a line is "status method path caller error". */
  logGroup: string;
}

/**
 * A REST API that echoes, by default in the account of this suite. /token has a TOKEN authorizer, /caller/{id} IAM
 * authorization, the others none; /checked validates every body, /checked-by-type JSON bodies; /narrow takes one
 * request a second; /keyed wants an API key. The function behind /closed lets API Gateway invoke it for another path
 * only; that of the authorizer of /gated does not let it.
 */
export async function createApi(credentials = root): Promise<Api> {
  const { outputs } = await createStack(template, credentials);
  return {
    url: `${endpoint}/restapis/${outputs['Id']}/v1/_user_request_`,
    name: present(outputs['Name']),
    arn: `arn:aws:execute-api:${region}:${outputs['Account']}:${outputs['Id']}/*`,
    logGroup: present(outputs['LogGroup']),
  };
}

const RestApiId = { Ref: 'Api' };

const template: Template = {
  Resources: {
    Role: {
      Type: 'AWS::IAM::Role',
      Properties: {
        AssumeRolePolicyDocument: {
          Statement: {
            Effect: 'Allow',
            Principal: { Service: 'lambda.amazonaws.com' },
            Action: 'sts:AssumeRole',
          },
        },
      },
    },
    Echo: lambda(echo),
    Gate: lambda(gate),
    Closed: lambda(echo),
    ClosedGate: lambda(gate),
    EchoPermission: permission('Echo'),
    ClosedPermission: permission('Closed', {
      'Fn::Sub': `arn:aws:execute-api:\${AWS::Region}:\${AWS::AccountId}:\${Api}/v1/GET/open`,
    }),
    GatePermission: permission('Gate'),
    LogGroup: { Type: 'AWS::Logs::LogGroup' },
    Api: { Type: 'AWS::ApiGateway::RestApi', Properties: { Name: { Ref: 'AWS::StackName' } } },
    Authorizer: {
      Type: 'AWS::ApiGateway::Authorizer',
      Properties: {
        RestApiId,
        Name: 'gate',
        Type: 'TOKEN',
        IdentitySource: 'method.request.header.Authorization',
        AuthorizerResultTtlInSeconds: 300,
        AuthorizerUri: invocationOf('Gate'),
      },
    },
    ClosedAuthorizer: {
      Type: 'AWS::ApiGateway::Authorizer',
      Properties: {
        RestApiId,
        Name: 'closed-gate',
        Type: 'TOKEN',
        IdentitySource: 'method.request.header.Authorization',
        AuthorizerUri: invocationOf('ClosedGate'),
      },
    },
    Unauthorized: gatewayResponse('UNAUTHORIZED', '401', 'application/json'),
    AccessDenied: gatewayResponse('ACCESS_DENIED', '403', 'application/problem+json'),
    InvalidApiKey: gatewayResponse('INVALID_API_KEY', '403', 'application/problem+json'),
    Validator: {
      Type: 'AWS::ApiGateway::RequestValidator',
      Properties: { RestApiId, ValidateRequestBody: true },
    },
    Model: {
      Type: 'AWS::ApiGateway::Model',
      Properties: {
        RestApiId,
        Name: 'Body',
        ContentType: 'application/json',
        Schema: {
          $schema: 'http://json-schema.org/draft-04/schema#',
          type: 'object',
          required: ['username'],
          properties: { username: { type: 'string' } },
        },
      },
    },
    Token: resource('token'),
    Open: resource('open'),
    Narrow: resource('narrow'),
    Keyed: resource('keyed'),
    ClosedPath: resource('closed'),
    Gated: resource('gated'),
    Checked: resource('checked'),
    CheckedByType: resource('checked-by-type'),
    Caller: resource('caller'),
    CallerId: resource('{id}', { Ref: 'Caller' }),
    TokenMethod: method('Token', { AuthorizationType: 'CUSTOM', AuthorizerId: { Ref: 'Authorizer' } }),
    OpenMethod: method('Open'),
    NarrowMethod: method('Narrow', { HttpMethod: 'GET' }),
    ClosedMethod: method('ClosedPath', {
      Integration: { Type: 'AWS_PROXY', IntegrationHttpMethod: 'POST', Uri: invocationOf('Closed') },
    }),
    GatedMethod: method('Gated', {
      AuthorizationType: 'CUSTOM',
      AuthorizerId: { Ref: 'ClosedAuthorizer' },
    }),
    KeyedMethod: method('Keyed', { ApiKeyRequired: true }),
    CheckedMethod: method('Checked', {
      RequestValidatorId: { Ref: 'Validator' },
      RequestModels: { $default: { Ref: 'Model' } },
    }),
    CheckedByTypeMethod: method('CheckedByType', {
      RequestValidatorId: { Ref: 'Validator' },
      RequestModels: { 'application/json': { Ref: 'Model' } },
    }),
    CallerMethod: method('CallerId', { AuthorizationType: 'AWS_IAM' }),
    Deployment: {
      Type: 'AWS::ApiGateway::Deployment',
      DependsOn: [
        'TokenMethod',
        'OpenMethod',
        'NarrowMethod',
        'KeyedMethod',
        'ClosedMethod',
        'GatedMethod',
        'CheckedMethod',
        'CheckedByTypeMethod',
        'CallerMethod',
        'Unauthorized',
        'AccessDenied',
        'InvalidApiKey',
      ],
      Properties: { RestApiId },
    },
    Stage: {
      Type: 'AWS::ApiGateway::Stage',
      Properties: {
        RestApiId,
        StageName: 'v1',
        DeploymentId: { Ref: 'Deployment' },
        AccessLogSetting: {
          DestinationArn: { 'Fn::GetAtt': ['LogGroup', 'Arn'] },
          Format:
            '$context.status $context.httpMethod $context.path $context.identity.caller $context.error.responseType',
        },
        MethodSettings: [
          { ResourcePath: '/narrow', HttpMethod: 'GET', ThrottlingRateLimit: 1, ThrottlingBurstLimit: 1 },
        ],
      },
    },
  },
  Outputs: {
    Name: { Value: { Ref: 'AWS::StackName' } },
    Id: { Value: RestApiId },
    Account: { Value: { Ref: 'AWS::AccountId' } },
    LogGroup: { Value: { Ref: 'LogGroup' } },
  },
};

function lambda(ZipFile: string) {
  return {
    Type: 'AWS::Lambda::Function',
    Properties: {
      Runtime: 'nodejs24.x',
      Handler: 'index.handler',
      Role: { 'Fn::GetAtt': ['Role', 'Arn'] },
      Code: { ZipFile },
    },
  };
}

function permission(functionId: string, SourceArn?: object) {
  return {
    Type: 'AWS::Lambda::Permission',
    Properties: {
      Action: 'lambda:InvokeFunction',
      FunctionName: { Ref: functionId },
      Principal: 'apigateway.amazonaws.com',
      ...(SourceArn === undefined ? {} : { SourceArn }),
    },
  };
}

function invocationOf(functionId: string) {
  return {
    'Fn::Sub': `arn:aws:apigateway:\${AWS::Region}:lambda:path/2015-03-31/functions/\${${functionId}.Arn}/invocations`,
  };
}

function gatewayResponse(ResponseType: string, StatusCode: string, contentType: string) {
  const body = '{"title":$context.error.messageString,"code":"$context.error.responseType"}';
  return {
    Type: 'AWS::ApiGateway::GatewayResponse',
    Properties: {
      RestApiId,
      ResponseType,
      StatusCode,
      ResponseParameters: { 'gatewayresponse.header.WWW-Authenticate': "'Bearer'" },
      ResponseTemplates: { [contentType]: body },
    },
  };
}

function resource(PathPart: string, ParentId: object = { 'Fn::GetAtt': ['Api', 'RootResourceId'] }) {
  return { Type: 'AWS::ApiGateway::Resource', Properties: { RestApiId, ParentId, PathPart } };
}

function method(resourceId: string, properties: object = {}) {
  return {
    Type: 'AWS::ApiGateway::Method',
    Properties: {
      RestApiId,
      ResourceId: { Ref: resourceId },
      HttpMethod: 'ANY',
      AuthorizationType: 'NONE',
      Integration: { Type: 'AWS_PROXY', IntegrationHttpMethod: 'POST', Uri: invocationOf('Echo') },
      ...properties,
    },
  };
}
