/**
 * Mutations of the product: each removes one part that the invariants depend on. The failure suite, or the test of another
 * suite that the mutation names, must fail for each of them.
 */
export interface Mutation {
  name: string;
  /** Replaced texts, by file; each must occur exactly once. */
  changes: readonly { file: string; from: string; to: string }[];
  /**
   * The tests that fail: a file of test/faults, or of the folder of this `suite`, and texts in names of cases, separated by
   * `|`. The cases of the failure suite run at this `target`; at App2 by default.
   */
  caughtBy: { suite?: 'e2e' | 'accounts'; target?: 'payments'; file: string; cases: string };
}

const change = (file: string, from: string, to: string) => ({ file, from, to });

const withoutCatch = (state: string, cases: string): Mutation => ({
  name: `no catch of ${state[0]?.toUpperCase()}${state.slice(1)}`,
  changes: [
    change(
      'workflows/app2/create-service-user.ts',
      state === 'createUser'
        ? `  onFailure(createUser, compensation.start, {
    user_sub: null,
    creation_in_flight: jsonata(\`$not(\${REFUSED})\`),
    creation_refused: jsonata(REFUSED),
  });\n`
        : `  onFailure(${state}, compensation.start);\n`,
      '',
    ),
  ],
  caughtBy: { file: 'matrix', cases },
});

export const mutations: readonly Mutation[] = [
  {
    name: 'no stamp check in DeleteUser',
    changes: [
      change(
        'handlers/app2/delete-user.ts',
        'if (user === undefined || !isCreatedBy(user, input)) return false;',
        'if (user === undefined) return false;',
      ),
    ],
    caughtBy: { file: 'tampering', cases: 'name in use before CreateUser' },
  },
  {
    name: 'CreateUser accepts every existing user as its own',
    changes: [
      change(
        'handlers/app2/create-user.ts',
        'if (isCreatedBy(existing, input)) return { sub: existing.sub };',
        'if (existing.sub) return { sub: existing.sub };',
      ),
    ],
    caughtBy: { file: 'tampering', cases: 'name in use before CreateUser' },
  },
  {
    name: 'SetPassword addresses the user by name',
    changes: [
      change(
        'workflows/app2/create-service-user.ts',
        "      encrypted_password: input('encrypted_password'),\n      sub: jsonata('$user_sub'),",
        "      encrypted_password: input('encrypted_password'),\n      sub: input('username'),",
      ),
    ],
    caughtBy: { file: 'tampering', cases: 'user replaced before SetPassword by name' },
  },
  {
    name: 'AddToGroup addresses the user by name',
    changes: [
      change(
        'workflows/app2/create-service-user.ts',
        "payload: { provisioning_id: input('provisioning_id'), sub: jsonata('$user_sub'), redrive_count },",
        "payload: { provisioning_id: input('provisioning_id'), sub: input('username'), redrive_count },",
      ),
    ],
    caughtBy: { file: 'tampering', cases: 'user replaced before AddToGroup by name' },
  },
  {
    name: 'DeleteUser deletes by name',
    changes: [change('handlers/app2/delete-user.ts', 'Username: user.sub }', 'Username: input.username }')],
    caughtBy: { file: 'tampering', cases: 'user replaced before DeleteUser by name' },
  },
  withoutCatch('createUser', 'AdminCreateUser: response lost, always'),
  withoutCatch('setPassword', 'AdminSetUserPassword: permanent error'),
  withoutCatch('addToGroup', 'AdminAddUserToGroup: permanent error, always (provision)'),
  withoutCatch('publishUserCreated', 'PublishUserCreated events:PutEvents: connection reset, always'),
  {
    name: 'no catch of RequestUserCreation',
    changes: [
      change(
        'workflows/app1/provision-service-user.ts',
        'of [authenticate, encrypt, requestUserCreation]) fail(task);',
        'of [authenticate, encrypt]) fail(task);',
      ),
    ],
    caughtBy: { file: 'matrix', cases: 'RequestUserCreation POST /admin/create-user: permanent error' },
  },
  {
    name: 'no catch of PublishProvisioned',
    changes: [
      change(
        'workflows/app1/provision-service-user.ts',
        '  onFailure(publishProvisioned, compensation.start, ALL_REQUESTED);\n',
        '',
      ),
    ],
    caughtBy: {
      file: 'matrix',
      cases: 'PublishProvisioned events:PutEvents: connection reset, always',
    },
  },
  {
    name: 'a failed DELETE ends the compensation',
    changes: [
      change(
        'workflows/app1/compensation.ts',
        `  cancelUserCreation.addCatch(new Succeed(scope, 'UserMayRemain'), {
    outputs: {
      target: item('target'),
      user: 'unknown',
      error: jsonata('$states.errorOutput.Error'),
    },
  });\n`,
        '',
      ),
    ],
    caughtBy: {
      file: 'redrive',
      cases: 'ProvisionServiceUser at two targets failed as RollBackFailed, redriven at once',
    },
  },
  {
    name: 'siblings are not cancelled',
    changes: [
      change(
        'workflows/app1/provision-service-user.ts',
        `[$states.context.Execution.Input.targets[\${requested}]]`,
        '[$cause.target]',
      ),
    ],
    caughtBy: {
      file: 'redrive',
      cases: 'ProvisionServiceUser at two targets failed as ProvisioningFailed, redriven at once',
    },
  },
  {
    name: 'the Cause of a foreign error is parsed',
    changes: [
      change('workflows/app1/provision-service-user.ts', 'errors: [TARGET_FAILED],', 'errors: [Errors.ALL],'),
      change(
        'workflows/app1/provision-service-user.ts',
        '  onFailure(provisionTargets, compensation.start, ALL_REQUESTED);\n',
        '',
      ),
    ],
    caughtBy: { file: 'alone/other-errors', cases: 'an iteration that fails with another error' },
  },
  {
    name: 'only the last attempt of CreateUser counts: throttled means that no user exists',
    changes: [
      change(
        'workflows/app2/create-service-user.ts',
        '  onFailure(createUser, compensation.start, {',
        `  createUser.addCatch(publishRejected, {
    errors: ['ServiceThrottled'],
    assign: { failure: { step: 'CreateUser', error: 'ServiceThrottled' } },
  });
  onFailure(createUser, compensation.start, {`,
      ),
    ],
    caughtBy: { file: 'mixed', cases: 'every later attempt is throttled' },
  },
  {
    name: 'only the last attempt of CreateUser counts: a name in use means that no user exists',
    changes: [
      change(
        'workflows/app2/create-service-user.ts',
        '`$states.context.State.RetryCount = 0 and $states',
        '`$states',
      ),
    ],
    caughtBy: { file: 'mixed', cases: 'the second finds the name in use' },
  },
  {
    name: 'no retries during an outage of the target',
    changes: [
      change(
        'workflows/retry-policies.ts',
        "targetOutage: retryFor(failureNames('TargetUnavailable'), timeLimits.outage)",
        "targetOutage: retryFor(failureNames('TargetUnavailable'), 60)",
      ),
    ],
    caughtBy: { file: 'outages', cases: 'App2 is unavailable for 10 minutes' },
  },
  {
    name: 'the compensation retries an outage for an hour only',
    changes: [change('workflows/retry-policies.ts', 'timeLimits.outageInCompensation,', '60 * 60,')],
    caughtBy: { file: 'outages', cases: 'App2 is unavailable for a day' },
  },
  {
    name: 'a requested creation counts as not requested',
    changes: [
      change(
        'handlers/app1/lib/creation-requested.ts',
        'return targets.filter((_, index) => indexes.has(index));',
        'return targets.filter((_, index) => indexes.has(index) && REQUEST.length === 0);',
      ),
    ],
    caughtBy: { file: 'matrix', cases: 'StopProvisioning states:StopExecution: throttled, once (cancel)' },
  },
  {
    name: 'no Retry of DeleteUser',
    changes: [
      change(
        'workflows/app2/compensation.ts',
        "retries: ['absenceConfirmation', 'compensation'],",
        'retries: [],',
      ),
    ],
    caughtBy: { file: 'matrix', cases: 'AdminDeleteUser: throttled, once (compensation)' },
  },
  {
    name: 'no Retry of CancelUserCreation',
    changes: [
      change(
        'workflows/app1/compensation.ts',
        "retries: ['targetOutageInCompensation', 'targetCompensation'],",
        'retries: [],',
      ),
    ],
    caughtBy: { file: 'matrix', cases: 'DELETE /admin/create-user/{id}: throttled, once (compensation)' },
  },
  {
    name: 'the first "not found" counts as absent',
    changes: [
      change('handlers/app2/delete-user.ts', 'if (elapsed < IN_FLIGHT_SECONDS * 1000)', 'if (elapsed < 0)'),
    ],
    caughtBy: { file: 'mixed', cases: 'does not find the user at first' },
  },
  {
    name: 'DeleteUser does not wait for calls in flight',
    changes: [
      change(
        'contracts/time-limits.ts',
        'export const IN_FLIGHT_SECONDS = timeLimits.stepTask + timeLimits.awsCall;',
        'export const IN_FLIGHT_SECONDS = 0;',
      ),
    ],
    caughtBy: { file: 'mixed', cases: 'appears after the compensation has read the pool' },
  },
  {
    name: 'no rule on failed executions',
    changes: [
      change(
        'infra/constructs/roll-back-watch.ts',
        'targets: [new LambdaFunction(startRollBack, ',
        'enabled: false,\n      targets: [new LambdaFunction(startRollBack, ',
      ),
    ],
    caughtBy: { file: 'interruptions', cases: 'stop of ProvisionServiceUser in RequestUserCreation' },
  },
  {
    name: 'no sweep',
    changes: [
      change(
        'infra/constructs/roll-back-watch.ts',
        'targets: [new LambdaFunction(sweep, ',
        'enabled: false,\n      targets: [new LambdaFunction(sweep, ',
      ),
    ],
    caughtBy: { file: 'matrix', cases: 'PublishDeprovisioned events:PutEvents: server error, always' },
  },
  {
    name: 'no stop before a roll-back',
    changes: [
      change(
        'handlers/shared/stop-execution.ts',
        "if (execution.status === 'RUNNING') {",
        'if (now() < 0) {',
      ),
      change(
        'handlers/shared/stop-execution.ts',
        "if (execution === undefined || execution.status === 'RUNNING')\n      throw",
        'if (execution === undefined || now() < 0)\n      throw',
      ),
    ],
    caughtBy: { file: 'mixed', cases: 'takes longer than any call' },
  },
  {
    name: 'App2 relies on ExecutionDoesNotExist: an unknown creation needs no cancellation',
    changes: [
      change(
        'handlers/app2/cancel-user-creation.ts',
        'if (creation === undefined) {',
        'if (creation === undefined) {\n      if (owner !== "") return absent();',
      ),
    ],
    caughtBy: { file: 'concurrency', cases: 'DELETE before the request has reached App2' },
  },
  {
    name: 'a token of any client opens the routes of its groups',
    changes: [change('handlers/app2/authorizer.ts', ' && claims.client_id === clientIds[client]', '')],
    caughtBy: { suite: 'e2e', file: 'authorizer', cases: 'signed in by the public client' },
  },
  {
    name: 'a cancelled creation keeps its reservation',
    changes: [
      change(
        'handlers/app2/stop-user-creation.ts',
        'if (!stopped.had_succeeded) await limiter.release(input.creation_id);',
        '',
      ),
    ],
    caughtBy: { file: 'alone/notified', cases: 'DELETE while the creation is queued' },
  },
  {
    name: 'App1 does not poll if no notification arrives',
    changes: [change('workflows/app1/provision-service-user.ts', "      'callbackMissed',\n", '')],
    caughtBy: { file: 'alone/notified', cases: 'kms:Decrypt of the task token: permanent error' },
  },
  {
    name: 'App1 trusts a notification without reading the status at App2',
    changes: [
      change(
        'handlers/app1/call-target.ts',
        'if (outcome !== undefined) await resumeTask(task, outcome);',
        "if (outcome !== 'UserAlreadyExists') await resumeTask(task, 'UserCreated');",
      ),
    ],
    caughtBy: { file: 'alone/notified', cases: 'a forged notification while the user does not exist' },
  },
  {
    name: 'the target is read from the event',
    changes: [
      change(
        'infra/constructs/notifications.ts',
        'target: target.name,\n              provisioning_id',
        "target: EventField.fromPath('$.detail.target'),\n              provisioning_id",
      ),
    ],
    caughtBy: { file: 'alone/notified', cases: 'a forged notification while the user does not exist' },
  },
  {
    name: 'App1 sends the request to the first target of the registry',
    changes: [
      change(
        'handlers/app1/call-target.ts',
        'presentTarget(environment.TARGETS, name);',
        'presentTarget(environment.TARGETS, environment.TARGETS[0]?.name ?? name);',
      ),
    ],
    caughtBy: {
      target: 'payments',
      file: 'concurrency',
      cases: '2 POSTs with one key start one provisioning',
    },
  },
  {
    name: 'App1 encrypts the password for the first target of the registry',
    changes: [
      change(
        'handlers/app1/encrypt-credentials.ts',
        'presentTarget(environment.TARGETS, input.target);',
        'presentTarget(environment.TARGETS, environment.TARGETS[0]?.name ?? input.target);',
      ),
    ],
    caughtBy: {
      target: 'payments',
      file: 'concurrency',
      cases: '2 POSTs with one key start one provisioning',
    },
  },
  {
    name: 'App2 reports an unfinished user as present',
    changes: [
      change(
        'handlers/app2/lib/finished-user.ts',
        'if (user === undefined || !user.confirmed || !user.enabled) return undefined;',
        'if (user === undefined) return undefined;',
      ),
      change(
        'handlers/app2/lib/finished-user.ts',
        'if (!Groups?.some(({ GroupName }) => GroupName === group)) return undefined;',
        'if (Groups === undefined || group === undefined) return undefined;',
      ),
    ],
    caughtBy: { file: 'alone/notified', cases: 'a forged notification while the user has no password' },
  },
  {
    name: 'a redriven execution may create a user',
    changes: [
      change('handlers/shared/redriven.ts', 'if (redrives > 0)', 'if (redrives < 0)'),
      change('workflows/app2/create-service-user.ts', '    redriven: compensation.start,\n', ''),
    ],
    caughtBy: {
      file: 'redrive',
      cases: 'CreateServiceUser, stopped in CreateUser, redriven after the roll-back',
    },
  },
  {
    name: 'a redriven execution may request a user at App2',
    changes: [change('handlers/app1/call-target.ts', 'refuseRedriven(input.redrive_count);', '')],
    caughtBy: { file: 'redrive', cases: 'ProvisionServiceUser, stopped in EncryptCredentials' },
  },
  {
    name: 'a late registration of a task token replaces a newer one',
    changes: [
      change(
        'handlers/app1/lib/callback-registry.ts',
        'put(key, fields, NO_LATER_ATTEMPT)',
        'put(key, fields)',
      ),
    ],
    caughtBy: { file: 'alone/notified', cases: 'of the registry: late effect' },
  },
  {
    name: 'CreateUser accepts a user of an earlier generation as its own',
    changes: [
      change(
        'handlers/app2/create-user.ts',
        'if (isCreatedBy(existing, input)) return',
        'if (existing.stamps?.provisioning_id === input.provisioning_id) return',
      ),
    ],
    caughtBy: { file: 'expired', cases: 'scenario: both records expire; the same key does not change' },
  },
  {
    name: 'DeleteUser removes a user of an earlier generation',
    changes: [
      change(
        'handlers/app2/delete-user.ts',
        'if (user === undefined || !isCreatedBy(user, input)) return false;',
        'if (user?.stamps?.provisioning_id !== input.provisioning_id) return false;',
      ),
    ],
    caughtBy: { file: 'expired', cases: 'whose first attempt times out, does not change' },
  },
  {
    name: 'a cancellation uses the record of an earlier generation',
    changes: [
      change(
        'handlers/app2/cancel-user-creation.ts',
        'if (record !== undefined && isRequested(requestedGeneration, record.parsedInput))',
        'if (record !== undefined)',
      ),
    ],
    caughtBy: { file: 'expired', cases: "App1's record expired after a success: the same POST" },
  },
  {
    name: 'a cancellation removes a user of an earlier generation',
    changes: [
      change(
        'handlers/app2/cancel-user-creation.ts',
        'if (hasId && isRequested(requestedGeneration, stamps)) {',
        'if (hasId) {',
      ),
    ],
    caughtBy: { file: 'expired', cases: 'which the target rejects, does not change' },
  },
  {
    name: 'a cancellation without a record does not read the pool',
    changes: [
      change(
        'handlers/app2/cancel-user-creation.ts',
        'const user = await findUser(cognito, environment.USER_POOL_ID, username);',
        "const user = username === '' ? await findUser(cognito, '', username) : undefined;",
      ),
    ],
    caughtBy: { file: 'expired', cases: "the target's record expires; DELETE reports" },
  },
  {
    name: 'roll-backs are named without the generation',
    changes: [
      change(
        'handlers/shared/roll-back-names.ts',
        'rollBackName = ({ provisioning_id, creation_id }: Generation, attempt: number)',
        "rollBackName = ({ provisioning_id }: Generation, attempt: number, creation_id = '0')",
      ),
    ],
    caughtBy: { file: 'expired', cases: 'stopped during the creation, leaves no user' },
  },
  {
    name: 'a roll-back stops the execution of a later generation',
    changes: [change('handlers/shared/stop-execution.ts', 'parsedInput.creation_id === creation_id && ', '')],
    caughtBy: { file: 'expired', cases: 'during the next provisioning of its key' },
  },
  {
    name: 'the event_id does not contain the generation',
    changes: [
      change('contracts/events/catalogue.ts', '[service, ...subjectIds,', '[service, subjectIds[0],'),
    ],
    caughtBy: { file: 'expired', cases: 'scenario: both records expire; the same key does not change' },
  },
  {
    name: 'a caller has no limit on DescribeExecution',
    changes: [
      change(
        'handlers/app1/lib/caller-limits.ts',
        "if (slot === undefined) throw new RequestProblem('THROTTLED');",
        'if (slot === undefined) return;',
      ),
    ],
    caughtBy: {
      suite: 'e2e',
      file: 'owners',
      cases: 'is throttled for requests that call DescribeExecution',
    },
  },
  {
    name: 'a roll-back trusts events from a dead-letter queue',
    changes: [change('handlers/shared/finished-execution.ts', ' || isRedelivery(context)', '')],
    caughtBy: {
      suite: 'e2e',
      file: 'tools/delivery',
      cases: 'does not trust a message about a clean failure',
    },
  },
  {
    name: 'retained resources remain after a failed deployment',
    changes: [
      change('infra/service-settings.ts', 'RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE', 'RemovalPolicy.RETAIN'),
    ],
    caughtBy: { suite: 'e2e', file: 'tools/deploying', cases: 'of App2 is repeated' },
  },
  {
    name: 'the names of dashboards do not contain the region',
    changes: [change('infra/names.ts', `operations-\${region}\``, 'operations`')],
    caughtBy: {
      suite: 'e2e',
      file: 'tools/deploying',
      // The first region has both services only after these.
      cases: 'is repeated|deploys both services|deploys into a second region',
    },
  },
  {
    name: 'a throttled DescribeExecution fails an accepted request',
    changes: [
      change(
        'handlers/shared/executions.ts',
        'latest = (await poll().catch(skipIfTransient)) ?? latest;',
        'latest = (await poll()) ?? latest;',
      ),
      change('handlers/app1/lib/accept.ts', 'wait > 0 ? await bestEffort(poll)', 'wait > 0 ? await poll()'),
    ],
    caughtBy: {
      file: 'concurrency',
      cases: 'POST with Prefer: wait is accepted while every DescribeExecution is throttled',
    },
  },
  {
    name: 'the sweep does not read stopped executions',
    changes: [change('handlers/shared/sweep.ts', "  { machine: 'main', status: 'ABORTED' },\n", '')],
    caughtBy: { file: 'alone/sweep-calls', cases: 'app1-sweep-provisionings ListExecutions' },
  },
  {
    name: 'the key of passwords does not allow the account of App1',
    changes: [
      change(
        'infra/service-users.ts',
        'if (consumer !== undefined)\n      key.addToResourcePolicy(',
        "if (consumer === '')\n      key.addToResourcePolicy(",
      ),
    ],
    caughtBy: { suite: 'accounts', file: 'provisioning', cases: 'provision a user' },
  },
  {
    name: 'the AWS managed key encrypts the credentials for another account',
    changes: [
      change(
        'infra/service-users.ts',
        'const encryptionKey =\n      consumer === undefined',
        "const encryptionKey =\n      consumer !== ''",
      ),
    ],
    caughtBy: { suite: 'accounts', file: 'provisioning', cases: 'provision a user' },
  },
  {
    name: 'App1 may not decrypt the credentials of another account',
    changes: [change('infra/user-management.ts', ', decryptSecret(this, secretArn, keys)];', '];')],
    caughtBy: { suite: 'accounts', file: 'provisioning', cases: 'provision a user' },
  },
];
