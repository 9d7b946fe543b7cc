import { Uint8ArrayBlobAdapter } from '@smithy/core/serde';
import { ownerOf } from './json-service.ts';
import type { Answer, Call } from './send.ts';

export const AppConfigDataClient = ownerOf({ host: 'appconfigdata', signing: 'appconfig' });

/** docs.aws.amazon.com/appconfig/2019-10-09/APIReference/API_appconfigdata_StartConfigurationSession.html */
export class StartConfigurationSessionCommand {
  readonly input: object;

  constructor(input: object) {
    this.input = input;
  }

  request(): Call {
    return {
      path: '/configurationsessions',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(this.input),
    };
  }

  output({ body }: Answer): object {
    return JSON.parse(body.toString('utf8'));
  }
}

interface TokenInput {
  ConfigurationToken: string;
}

/** The configuration is the body; all else is in headers. docs.aws.amazon.com/appconfig/2019-10-09/APIReference/API_appconfigdata_GetLatestConfiguration.html */
export class GetLatestConfigurationCommand {
  readonly input: TokenInput;

  constructor(input: TokenInput) {
    this.input = input;
  }

  request(): Call {
    return {
      method: 'GET',
      path: '/configuration',
      query: { configuration_token: this.input.ConfigurationToken },
      headers: {},
      body: '',
    };
  }

  output({ headers, body }: Answer): object {
    const seconds = headers['next-poll-interval-in-seconds'];
    return {
      NextPollConfigurationToken: headers['next-poll-configuration-token'],
      ...(seconds === undefined ? {} : { NextPollIntervalInSeconds: Number(seconds) }),
      Configuration: Uint8ArrayBlobAdapter.mutate(new Uint8Array(body)),
    };
  }
}
