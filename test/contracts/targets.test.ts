import { describe, expect, it } from '@jest/globals';
import {
  formatPolicy,
  formatTarget,
  policyText,
  positionOf,
  target,
  targetFields,
  targetString,
} from '../../contracts/targets.ts';

const fields = {
  name: 'payments',
  api_url: 'https://abc.execute-api.eu-central-1.amazonaws.com/v1',
  client_id: '1example23456789',
  key_arn: 'arn:aws:kms:eu-central-1:111111111111:key/0a1b2c3d',
  secret_arn:
    'arn:aws:secretsmanager:eu-central-1:111111111111:secret:payments-api-client-credentials-AbCdEf',
  bus_arn: 'arn:aws:events:eu-central-1:111111111111:event-bus/payments-service-users',
  password_policy: '12:lowercase:symbols',
  creations_per_second: '23.5',
};

describe('the Target string', () => {
  it('is parsed to the fields from which it was formatted', () => {
    const line = formatTarget(fields);

    const parsed = targetString.parse(line);

    expect(parsed).toEqual({
      ...fields,
      password_policy: {
        minimum_length: 12,
        require_lowercase: true,
        require_uppercase: false,
        require_numbers: false,
        require_symbols: true,
      },
      creations_per_second: 23.5,
    });
    expect(formatPolicy(parsed.password_policy)).toBe(fields.password_policy);
  });

  it('has each field at the position that CloudFormation selects', () => {
    const values = formatTarget(fields).split(',');

    const selected = Object.fromEntries(targetFields.map((field) => [field, values[positionOf(field)]]));

    expect(selected).toEqual(fields);
  });

  it('may have further fields of a later release', () => {
    expect(targetString.parse(`${formatTarget(fields)},eu`)).toEqual(
      targetString.parse(formatTarget(fields)),
    );
  });

  it.each(targetFields)('is refused without %s', (field) => {
    const line = formatTarget({ ...fields, [field]: '' });

    const result = targetString.safeParse(line);

    expect(result.error?.issues.map(({ path }) => path[0])).toEqual([field]);
  });

  it('is refused when it ends early, and every missing field is reported', () => {
    const result = targetString.safeParse('payments');

    expect(result.error?.issues.map(({ path }) => path[0])).toEqual(targetFields.slice(1));
  });
});

describe('a password policy as text', () => {
  it.each(['', '5', '100', '12.5', 'twelve', '12:letters', '12:', ':lowercase'])(
    'is refused as %j',
    (text) => {
      expect(policyText.safeParse(text).success).toBe(false);
    },
  );
});

it('is a target only with a name of its own', () => {
  expect(target.shape.name.safeParse('app1').success).toBe(false);
});
