import { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { KMSClient } from '@aws-sdk/client-kms';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SFNClient } from '@aws-sdk/client-sfn';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { timeLimits } from '../../contracts/time-limits.ts';

/**
 * The one place where AWS clients are made. A call that takes too long is an error, not a warning in the log,
 * so that attempts × time limit stays below the function's own limit.
 * docs.aws.amazon.com/sdk-for-javascript/v3/developer-guide/node-configuring-maxsockets.html
 */
const configuration = (attempts: number) => ({
  maxAttempts: attempts,
  requestHandler: new NodeHttpHandler({
    connectionTimeout: timeLimits.awsConnect * 1000,
    requestTimeout: timeLimits.awsCall * 1000,
    throwOnRequestTimeout: true,
  }),
});

/** A step makes one attempt: the workflow's retry policy is the only one, and each attempt is seen in the history. */
const ONE_ATTEMPT = 1;

/** Behind an API nobody else retries; two attempts, so that the caller does not see every blip. */
const TWO_ATTEMPTS = 2;

export const stepClients = {
  cognito: () => new CognitoIdentityProviderClient(configuration(ONE_ATTEMPT)),
  kms: () => new KMSClient(configuration(ONE_ATTEMPT)),
  secretsManager: () => new SecretsManagerClient(configuration(ONE_ATTEMPT)),
  stepFunctions: () => new SFNClient(configuration(ONE_ATTEMPT)),
};

export const apiClients = {
  kms: () => new KMSClient(configuration(TWO_ATTEMPTS)),
  stepFunctions: () => new SFNClient(configuration(TWO_ATTEMPTS)),
};
