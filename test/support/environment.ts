/**
 * The environment variables of the functions. They are read when a module is loaded, so Jest loads this file first. Fixed
 * values: a test must not depend on its machine, and must not find credentials on it.
 */
const account = 'eu-central-1:111122223333';

Object.assign(process.env, {
  AWS_REGION: 'eu-central-1',
  AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
  AWS_SECRET_ACCESS_KEY: 'not-a-secret',
  SERVICE_NAME: 'unit-test',
  POWERTOOLS_LOG_LEVEL: 'SILENT',

  STATE_MACHINE_ARN: `arn:aws:states:${account}:stateMachine:Machine`,
  ROLL_BACK_STATE_MACHINE_ARN: `arn:aws:states:${account}:stateMachine:RollBackMachine`,
  SWEEP_TABLE: 'unit-test-sweep',
  DESCRIBES_PER_SECOND: '1000',
  DESCRIBES_PER_SECOND_AND_CALLER: '1000',
  EVENT_BUS_NAME: 'unit-test-bus',
  LOG_RULE_NAME: 'unit-test-bus-every-event',
  LEGACY_ENDPOINT: 'https://legacy.example/users',
  LEGACY_SECRET_ARN: `arn:aws:secretsmanager:${account}:secret:legacy-api-key`,
  KEYS_TABLE: 'keys',
  INTAKE_KEY_ARN: `arn:aws:kms:${account}:key/intake`,
  API_SCHEME: 'https',
  MAC_KEY_ARN: `arn:aws:kms:${account}:key/mac`,
  CALL_TARGET_FUNCTION: 'app1-call-target',
  TARGETS: JSON.stringify([
    ...['app2', 'payments'].map((name) => ({
      name,
      state: 'active',
      api_url: `https://${name}.example/v1`,
      client_id: `${name}-machine-client`,
      key_arn: `arn:aws:kms:${account}:key/${name}`,
      secret_arn: `arn:aws:secretsmanager:${account}:secret:${name}-api-client-credentials`,
      password_policy: '12:lowercase:uppercase:numbers:symbols',
    })),
    { name: 'old', state: 'gone' },
  ]),
  DEFAULT_TARGETS: 'app2',
  CALLBACKS_TABLE: 'unit-test-callbacks',

  RATE_LIMITS_TABLE: 'unit-test-rate-limits',
  CREATIONS_PER_SECOND: '20',
  EXPRESS_CREATIONS_PER_SECOND: '1',
  STATUS_POLLS_PER_SECOND: '4',
  GROUP_CHANGES_PER_SECOND: '25',
  SERVICE: 'app2',
  USER_POOL_ID: 'eu-central-1_Pool',
  SERVICE_CLIENT_ID: 'service-client',
  API_CLIENT_GROUP: 'api-client',
  SERVICE_USER_GROUP: 'service-user',
  CHECK_USER_IN_POOL: 'off',
  BUSINESS_ROUTES: JSON.stringify([{ method: 'POST', path: 'sample' }]),
  KEY_ARN: `arn:aws:kms:${account}:key/app2`,
  PASSWORD_POLICY: JSON.stringify({
    minimum_length: 12,
    require_lowercase: true,
    require_uppercase: true,
    require_numbers: true,
    require_symbols: true,
  }),
  MACHINE_CLIENT_ID: 'machine-client',
  SECRET_ARN: `arn:aws:secretsmanager:${account}:secret:app2-api-client-credentials`,
});
