import { afterEach, describe, expect, it } from '@jest/globals';
import { App } from 'aws-cdk-lib';
import { checkPartition } from '../../infra/checks.ts';
import { ServiceStack } from '../../infra/service-stack.ts';
import { readSettings } from '../../infra/settings.ts';

/** A service stack without resources of its own. */
class AnyService extends ServiceStack<'app1'> {
  constructor(env?: { region: string }) {
    const app = new App({ analyticsReporting: false });
    super(app, 'App1', 'app1', { settings: readSettings(app.node), ...(env === undefined ? {} : { env }) });
  }
}

const before = process.env['CDK_DEFAULT_REGION'];
const credentialsAreOf = (region: string | undefined) => {
  if (region === undefined) delete process.env['CDK_DEFAULT_REGION'];
  else process.env['CDK_DEFAULT_REGION'] = region;
};
afterEach(() => credentialsAreOf(before));

describe('a region', () => {
  it.each([
    ['cn-north-1', /aws-cn.*has no user pools/],
    ['us-gov-west-1', /aws-us-gov.*FIPS endpoints only/],
    ['us-iso-east-1', /aws-iso.*it has not been tested there/],
  ])('of another partition fails the synthesis with a reason: %s', (region, reason) => {
    expect(() => new AnyService({ region })).toThrow(reason);
    credentialsAreOf(region);
    expect(() => new AnyService()).toThrow(reason);
  });

  it.each(['eu-central-1', 'us-east-1', 'xx-future-1', undefined])('is accepted: %s', (region) => {
    credentialsAreOf(region);
    expect(() => new AnyService()).not.toThrow();
    if (region !== undefined) expect(() => checkPartition(region)).not.toThrow();
  });

  it('of the stack takes precedence over that of the credentials', () => {
    credentialsAreOf('cn-north-1');
    expect(() => new AnyService({ region: 'eu-central-1' })).not.toThrow();
  });
});
