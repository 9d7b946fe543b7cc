import { afterEach, describe, expect, it } from '@jest/globals';
import { App, Stack } from 'aws-cdk-lib';
import { checkPartition } from '../../infra/checks.ts';
import { Service } from '../../infra/service.ts';
import { serviceSettings } from '../../infra/service-settings.ts';

/** A service without resources of its own. */
class AnyService extends Service<'app1'> {}

/** Adds a service to a stack of this region. */
const addService = (env?: { region: string }) => {
  const stack = new Stack(new App({ analyticsReporting: false }), 'App1', env === undefined ? {} : { env });
  return new AnyService(stack, 'Default', {
    kind: 'app1',
    service: 'app1',
    settings: serviceSettings(stack.node, {}),
  });
};

const before = process.env['CDK_DEFAULT_REGION'];
const credentialsAreOf = (region: string | undefined) => {
  if (region === undefined) delete process.env['CDK_DEFAULT_REGION'];
  else process.env['CDK_DEFAULT_REGION'] = region;
};
afterEach(() => credentialsAreOf(before));

describe('a region', () => {
  const inOtherPartitions: [region: string, reason: RegExp][] = [
    ['cn-north-1', /aws-cn.*has no user pools/],
    ['us-gov-west-1', /aws-us-gov.*FIPS endpoints only/],
    ['us-iso-east-1', /aws-iso.*it has not been tested there/],
  ];

  it.each(inOtherPartitions)('of the stack fails the synthesis with a reason: %s', (region, reason) => {
    expect(() => addService({ region })).toThrow(reason);
  });

  it.each(inOtherPartitions)('of the credentials fails the synthesis with a reason: %s', (region, reason) => {
    credentialsAreOf(region);

    expect(() => addService()).toThrow(reason);
  });

  it.each(['eu-central-1', 'us-east-1', 'xx-future-1', undefined])('is accepted: %s', (region) => {
    credentialsAreOf(region);

    expect(() => addService()).not.toThrow();
    if (region !== undefined) expect(() => checkPartition(region)).not.toThrow();
  });

  it('of the stack takes precedence over that of the credentials', () => {
    credentialsAreOf('cn-north-1');

    expect(() => addService({ region: 'eu-central-1' })).not.toThrow();
  });
});
