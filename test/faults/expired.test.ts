import { EventBridgeClient, ListRulesCommand, ListTargetsByRuleCommand } from '@aws-sdk/client-eventbridge';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { expect } from '@jest/globals';
import { provisioningAccepted } from '../../contracts/app1-api.ts';
import { notificationSource } from '../../contracts/notification.ts';
import { provisioningStatus } from '../../contracts/status.ts';
import type { ResumeProvisioningInput } from '../../handlers/app1/lib/resume-provisioning.ts';
import { predictedSub } from '../../local/harness/faults/predicted-sub.ts';
import type { FaultRule } from '../../local/harness/faults/rules.ts';
import type { ApiResponse, Machine, PublishedEvent } from '../../local/system.ts';
import { configuration, newPassword, outputs, waitForCompletion } from '../e2e/support/deployed.ts';
import { eventually } from '../local-aws/support/eventually.ts';
import type { Call } from './matrix/calls.ts';
import { falseAbsenceReports } from './support/absence-reports.ts';
import { denyCalls, dropCalls, findCall } from './support/call-rules.ts';
import { POLL_INTERVAL_MS } from './support/concurrency.ts';
import { system, targetNamed, targetOutputs } from './support/deployed.ts';
import { findExecution, type rollBackOf, waitUntilFinished } from './support/executions.ts';
import { expireRecords, listExecutionNames, machines, waitUntilIdle } from './support/expiry.ts';
import { provision } from './support/interruption-points.ts';
import { interventions } from './support/interventions.ts';
import { violations, waitForOutcome } from './support/oracle.ts';
import { type PlannedProvisioning, plan } from './support/plan.ts';
import { changesOf, type UnrelatedUser, userSnapshot } from './support/pool.ts';
import { deprovision, post, problemCode, statusAtTarget } from './support/provisioning.ts';
import { inject } from './support/proxy.ts';
import { type FinalChecks, suite } from './support/suite.ts';
import { runSweepsSoon } from './support/sweeps.ts';
import { target } from './support/target.ts';

/**
 * The records of executions expire: AWS deletes the record of an execution 90 days after it has finished. The user, its
 * password and its groups stay in the pool. Later requests must neither change such a user, unless they remove it, nor
 * report its absence.
 */
interface Case {
  name: string;
  /** Returns the violations of the invariants. */
  run: (finalChecks: FinalChecks) => Promise<string[]>;
}

const GROUP = denyCalls('AddToGroup cognito-idp:AdminAddUserToGroup');
const PROVISIONED = denyCalls('PublishProvisioned events:PutEvents');
const DELETION = denyCalls('DeleteUser cognito-idp:AdminDeleteUser');
const DECRYPT = findCall('DecryptCredentials kms:Decrypt');
const CREATE = findCall('CreateUser cognito-idp:AdminCreateUser');
const REQUEST = findCall('RequestUserCreation POST /admin/create-user');

/** The state before a record expires. */
interface Past {
  planned: PlannedProvisioning;
  /** The user that the provisioning had created, with a snapshot; `undefined` if it had none. */
  user: UnrelatedUser | undefined;
}

async function pastOf(planned: PlannedProvisioning): Promise<Past> {
  const { username, password } = planned;
  await waitUntilIdle(planned.id);
  const snapshot = await userSnapshot(username);
  const at = targetNamed(target);
  return { planned, user: snapshot === undefined ? undefined : { username, password, at, snapshot } };
}

/** Histories of a provisioning before its record expires. */
const histories = {
  'a success': async () => {
    const planned = await plan();
    await provision(planned);
    return pastOf(planned);
  },
  'a compensated failure': async () => {
    const planned = await plan();
    const refused = await inject(GROUP(planned));
    await post(planned, planned.key);
    await waitForOutcome(planned.id);
    await refused.lift();
    return pastOf(planned);
  },
  'a DELETE': async () => {
    const planned = await plan();
    await provision(planned);
    await deprovision(planned.id);
    return pastOf(planned);
  },
} as const;

/** The state machines whose records expire. */
const expiries = {
  "App1's record": ['ProvisionServiceUser'],
  "the target's record": ['CreateServiceUser'],
  'both records': ['ProvisionServiceUser', 'CreateServiceUser'],
  "the record of App1's roll-back": ['RollBackProvisioning'],
  "the record of the target's roll-back": ['RollBackServiceUser'],
  'the records of both roll-backs': ['RollBackProvisioning', 'RollBackServiceUser'],
  'every record': machines,
} as const satisfies Record<string, readonly Machine[]>;

/** An operation after the expiry. Returns the violations of the invariants. */
type Operation = (past: Past, finalChecks: FinalChecks) => Promise<string[]>;

const hasRecord = async (machine: Machine, { planned: { id } }: Past): Promise<boolean> =>
  (await findExecution(machine, id)) !== undefined;

/** I3: changes of the earlier user. The checks after all cases compare it once more. */
async function changesOfEarlierUser({ user }: Past, finalChecks: FinalChecks): Promise<string[]> {
  if (user === undefined) return [];
  finalChecks.addUnrelatedUser(user);
  return (await changesOf(user)).map((change) => `I3: ${change}`);
}

const unexpectedResponse = (request: string, { status, body }: ApiResponse): string =>
  `${request} returned ${status}: ${JSON.stringify(body)}`;

/** Repeats DELETE until it is finished: a user with a record at App1 is removed, one without is unchanged. */
const remove: Operation = async (past, finalChecks) => {
  const { id, username } = past.planned;
  if (!(await hasRecord('ProvisionServiceUser', past))) {
    const response = await system.deprovision(id);
    const found =
      response.status === 404 ? [] : [unexpectedResponse('DELETE without a record at App1', response)];
    return [...found, ...(await changesOfEarlierUser(past, finalChecks))];
  }
  await deprovision(id);
  await waitUntilIdle(id);
  const exists = past.user !== undefined && (await userSnapshot(username)) === past.user.snapshot;
  const found = exists ? [`I2, I8: DELETE returned 204, but ${username} exists.`] : [];
  return [...found, ...(await invariantViolations(past.planned, finalChecks))];
};

/**
 * Sends the same key again: a repeat if App1 has a record, else a new provisioning, which has another password.
 */
const repeat: Operation = async (past, finalChecks) => (await sendAgain(past, finalChecks)).found;

async function sendAgain(
  past: Past,
  finalChecks: FinalChecks,
): Promise<{ found: string[]; again: PlannedProvisioning }> {
  const { planned, user } = past;
  const isNew = !(await hasRecord('ProvisionServiceUser', past));
  const isFresh = isNew && user === undefined && !(await hasRecord('CreateServiceUser', past));
  const again = isNew ? { ...planned, password: newPassword() } : planned;
  const before = isNew ? undefined : await waitForCompletion(planned.id);
  const published = await system.events(planned.id);
  const response = await post(again, planned.key);
  if (response.status !== 202) return { found: [unexpectedResponse('POST', response)], again };
  const { status, user: presence, error } = await waitForOutcome(planned.id);
  const found = await invariantViolations(again, finalChecks);
  if (before !== undefined && status !== before.status)
    found.push(`I4: a repeat of a provisioning that was ${before.status} is ${status}.`);
  if (isNew) found.push(...(await reusedEventIds(planned, published)));
  if (isFresh && presence !== 'present')
    found.push(`I1: no user and no record existed, but it is ${status}, ${presence}, ${error?.code}.`);
  if (isNew && user !== undefined && status !== 'FAILED')
    found.push(`I4: the username is in use, but the provisioning is ${status}.`);
  return { found: [...found, ...(await changesOfEarlierUser(past, finalChecks))], again };
}

/** Events that a subscriber would discard as duplicates, because an event of another generation has their event_id. */
async function reusedEventIds({ id }: PlannedProvisioning, before: PublishedEvent[]): Promise<string[]> {
  const ids = before.map(({ detail }) => detail.metadata.event_id);
  const later = (await system.events(id)).slice(before.length);
  return later.flatMap(({ 'detail-type': name, detail: { metadata } }) =>
    ids.includes(metadata.event_id)
      ? [`${name} has the event_id of an earlier event: ${metadata.event_id}.`]
      : [],
  );
}

const operations = {
  GET: async (past, finalChecks) => {
    const { id } = past.planned;
    const responses = await Promise.all([system.status(id), statusAtTarget(id)]);
    const known = await Promise.all(
      (['ProvisionServiceUser', 'CreateServiceUser'] as const).map((machine) => hasRecord(machine, past)),
    );
    const found = responses.flatMap((response, n) =>
      response.status === (known[n] ? 200 : 404) ? [] : [unexpectedResponse('GET', response)],
    );
    return [...found, ...falseAbsenceReports(id), ...(await changesOfEarlierUser(past, finalChecks))];
  },

  DELETE: remove,

  'the same POST': repeat,

  // The user of the second generation can be removed, and the user of the first one stays.
  'the same POST, then DELETE': async (past, finalChecks) => {
    const { found, again } = await sendAgain(past, finalChecks);
    await deprovision(again.id);
    await waitUntilIdle(again.id);
    return [
      ...found,
      ...(await invariantViolations(again, finalChecks)),
      ...(await changesOfEarlierUser(past, finalChecks)),
    ];
  },

  retry: async (past, finalChecks) => {
    const { id, username } = past.planned;
    const exists = (await userSnapshot(username)) !== undefined;
    const response = await system.retry(id);
    if (!(await hasRecord('ProvisionServiceUser', past)))
      return [
        ...(response.status === 404
          ? []
          : [unexpectedResponse('a retry without a record at App1', response)]),
        ...(await changesOfEarlierUser(past, finalChecks)),
      ];
    if (response.status !== 202)
      return [
        ...(problemCode(response) === 'PROVISIONING_IN_PROGRESS'
          ? []
          : [unexpectedResponse('a retry', response)]),
        ...(await changesOfEarlierUser(past, finalChecks)),
      ];
    const next = { ...past.planned, id: provisioningAccepted.parse(response.body).provisioning_id };
    const { status } = await waitForOutcome(next.id);
    return [
      ...(exists === (status === 'SUCCEEDED')
        ? [`I4: a retry is ${status}, although the username is ${exists ? '' : 'not '}in use.`]
        : []),
      ...(await invariantViolations(next, finalChecks)),
      ...(await changesOfEarlierUser(past, finalChecks)),
    ];
  },

  'a run of the sweep': async (past, finalChecks) => {
    await runSweepsSoon();
    await waitUntilIdle(past.planned.id);
    return changesOfEarlierUser(past, finalChecks);
  },

  // EventBridge delivers both notifications at least once, so also repeatedly and late.
  'a late completion notification': async (past, finalChecks) => {
    await notifyAgain(past.planned, 'SUCCEEDED');
    await notifyAgain(past.planned, 'ABORTED');
    await waitUntilIdle(past.planned.id);
    return [...falseAbsenceReports(past.planned.id), ...(await changesOfEarlierUser(past, finalChecks))];
  },

  'a provisioning of the same name under another key': async (past, finalChecks) => {
    const other = await plan({ username: past.planned.username });
    const key = `another-${other.key}`;
    const { body } = await post(other, key);
    const next = { ...other, id: provisioningAccepted.parse(body).provisioning_id };
    const { status, error } = await waitForOutcome(next.id);
    const expected = past.user === undefined ? 'SUCCEEDED' : 'FAILED, USER_ALREADY_EXISTS';
    const outcome = [status, ...(error === undefined ? [] : [error.code])].join(', ');
    return [
      ...(outcome === expected ? [] : [`I4: the other provisioning is ${outcome}, not ${expected}.`]),
      ...(await invariantViolations(next, finalChecks)),
      ...(await changesOfEarlierUser(past, finalChecks)),
    ];
  },
} as const satisfies Record<string, Operation>;

/** Violations of the invariants by a provisioning that has a record at App1. */
async function invariantViolations(
  planned: PlannedProvisioning,
  finalChecks: FinalChecks,
): Promise<string[]> {
  const creation_id = await system.generationOf('ProvisionServiceUser', planned.id);
  const provisioning = creation_id === undefined ? planned : { ...planned, creation_id };
  const broken = await violations(provisioning, { within: 180_000 });
  finalChecks.addProvisioning(provisioning, (await waitForOutcome(planned.id)).user);
  return broken;
}

const events = new EventBridgeClient(configuration);
const lambda = new LambdaClient(configuration);

/** App1's bus, to which a rule on the target's bus forwards the completion notifications. */
const NOTIFICATIONS_BUS = 'app1-notifications';

/** Invokes the functions that receive the outcome of a creation, at both services, with an outcome of this status. */
async function notifyAgain({ id }: PlannedProvisioning, status: 'SUCCEEDED' | 'ABORTED'): Promise<void> {
  const resume: ResumeProvisioningInput = { action: 'ResumeProvisioning', target, provisioning_id: id };
  await invokeAll(await functionsOf(`"${notificationSource(target)}"`, NOTIFICATIONS_BUS), resume);
  for (const arn of [outputs.app1.state_machine_arn, targetOutputs.state_machine_arn])
    await invokeAll(await functionsOf(`"${arn}"`), { detail: { name: id, status } });
}

/** ARNs of the functions that are targets of the rules whose pattern contains a text. @throws Error if there are none */
async function functionsOf(text: string, EventBusName?: string): Promise<string[]> {
  const { Rules = [] } = await events.send(new ListRulesCommand({ EventBusName }));
  const all = await Promise.all(
    Rules.filter(({ EventPattern = '' }) => EventPattern.includes(text)).map(async ({ Name: Rule }) => {
      const { Targets = [] } = await events.send(new ListTargetsByRuleCommand({ Rule, EventBusName }));
      return Targets.flatMap(({ Arn = '' }) => (Arn.includes(':function:') ? [Arn] : []));
    }),
  );
  if (all.flat().length === 0) throw new Error(`No function receives events of a rule with ${text}.`);
  return all.flat();
}

/** Invokes the functions. A function that rejects the event has no effect; EventBridge would retry it. */
const invokeAll = (functions: string[], event: object): Promise<unknown> =>
  Promise.all(
    functions.map((FunctionName) =>
      lambda.send(new InvokeCommand({ FunctionName, Payload: JSON.stringify(event) })),
    ),
  );

/** Cases for each operation after each expiry. */
const table = (
  history: keyof typeof histories,
  selected: readonly (keyof typeof expiries)[],
  following: readonly (keyof typeof operations)[],
): Case[] =>
  selected.flatMap((expiry) =>
    following.map((operation) => ({
      name: `${expiry} expired after ${history}: ${operation}`,
      async run(finalChecks) {
        const past = await histories[history]();
        await expireRecords(past.planned.id, ...expiries[expiry]);
        return operations[operation](past, finalChecks);
      },
    })),
  );

const MAIN = ["App1's record", "the target's record", 'both records'] as const;
const ROLL_BACKS = [
  "the record of App1's roll-back",
  "the record of the target's roll-back",
  'the records of both roll-backs',
] as const;
const EACH = ['GET', 'DELETE', 'the same POST', 'retry', 'a run of the sweep'] as const;
const OTHER = 'a provisioning of the same name under another key';
const LATE = 'a late completion notification';
const AGAIN = 'the same POST, then DELETE';

/** A case in which a call times out until a record has expired. */
const expiryDuringCall = (
  name: string,
  {
    call,
    start,
    expired,
    rules = [],
  }: {
    /** The call of the matrix that times out. */
    call: string;
    /** Leads to the call. */
    start: (planned: PlannedProvisioning) => Promise<unknown>;
    expired: readonly Machine[];
    rules?: readonly ((planned: PlannedProvisioning) => FaultRule)[];
  },
  expected: (planned: PlannedProvisioning, finalChecks: FinalChecks) => Promise<string[]>,
): Case => ({
  name,
  async run(finalChecks) {
    const planned = await plan();
    const faults = await inject(...rules.map((rule) => rule(planned)));
    const timeouts = await inject(dropCalls(call, planned));
    try {
      await start(planned);
      await timeouts.waitUntilFired(120_000);
      for (const machine of expired) await waitUntilFinished(machine, planned.id);
      await expireRecords(planned.id, ...expired);
    } finally {
      await timeouts.lift();
    }
    try {
      await waitUntilIdle(planned.id);
      return await expected(planned, finalChecks);
    } finally {
      await faults.lift();
    }
  },
});

const provisionAndDelete = async (planned: PlannedProvisioning): Promise<void> => {
  await provision(planned);
  await system.deprovision(planned.id);
};

/** Violations if the provisioning still has a user; App1 has no record of it. */
const userViolations = async ({ id, username }: PlannedProvisioning): Promise<string[]> => {
  const user = await system.user(username);
  return [
    ...(user === undefined ? [] : [`I2: ${username} of ${id} still exists.`]),
    ...falseAbsenceReports(id),
  ];
};

/** Deprovisions until App1 reports the absence of the user; returns the violations if the user exists. */
const removalViolations = async (
  planned: PlannedProvisioning,
  finalChecks: FinalChecks,
): Promise<string[]> => {
  await deprovision(planned.id);
  await waitUntilIdle(planned.id);
  return [...(await userViolations(planned)), ...(await invariantViolations(planned, finalChecks))];
};

const missingEvents = async (planned: PlannedProvisioning, expected: string): Promise<string[]> => {
  const names = (await system.events(planned.id)).map((event) => event['detail-type']);
  return names.includes(expected) ? [] : [`${expected} was not published, only ${names.join(', ')}.`];
};

const STOP_PROVISIONING = 'StopProvisioning states:DescribeExecution';
const STOP_CREATION = 'StopUserCreation states:DescribeExecution';
const CANCEL = 'CancelUserCreation DELETE /admin/create-user/{id}';
const DELETE_USER = 'DeleteUser cognito-idp:AdminDeleteUser';
const FIND_BY_NAME = 'DeleteUser cognito-idp:AdminGetUser by name';

const expiriesDuringCalls: Case[] = [
  expiryDuringCall(
    "App1's record expires before the first step of its roll-back",
    { call: STOP_PROVISIONING, start: provisionAndDelete, expired: ['ProvisionServiceUser'] },
    async (planned) => [
      ...(await userViolations(planned)),
      ...(await missingEvents(planned, 'ServiceUserDeprovisioned')),
    ],
  ),
  expiryDuringCall(
    "App1's record expires while its roll-back calls the target",
    { call: CANCEL, start: provisionAndDelete, expired: ['ProvisionServiceUser'] },
    async (planned) => [
      ...(await userViolations(planned)),
      ...(await missingEvents(planned, 'ServiceUserDeprovisioned')),
    ],
  ),
  expiryDuringCall(
    "the target's record expires before App1's roll-back calls the target",
    { call: CANCEL, start: provisionAndDelete, expired: ['CreateServiceUser'] },
    async (planned, finalChecks) => [
      ...(await removalViolations(planned, finalChecks)),
      ...(await missingEvents(planned, 'ServiceUserRemoved')),
    ],
  ),
  expiryDuringCall(
    "the target's record expires before the first step of its roll-back",
    { call: STOP_CREATION, start: provisionAndDelete, expired: ['CreateServiceUser'] },
    async (planned, finalChecks) => [
      ...(await removalViolations(planned, finalChecks)),
      ...(await missingEvents(planned, 'ServiceUserRemoved')),
    ],
  ),
  expiryDuringCall(
    "the target's record expires while its roll-back searches for the user",
    { call: FIND_BY_NAME, start: provisionAndDelete, expired: ['CreateServiceUser'] },
    removalViolations,
  ),
  expiryDuringCall(
    "the target's record expires while its roll-back removes the user",
    { call: DELETE_USER, start: provisionAndDelete, expired: ['CreateServiceUser'] },
    removalViolations,
  ),
  expiryDuringCall(
    'both records expire while the target removes the user',
    { call: DELETE_USER, start: provisionAndDelete, expired: ['ProvisionServiceUser', 'CreateServiceUser'] },
    userViolations,
  ),
  expiryDuringCall(
    "the target's record expires before App1's compensation calls the target",
    {
      call: CANCEL,
      start: (planned) => post(planned, planned.key),
      expired: ['CreateServiceUser'],
      rules: [PROVISIONED],
    },
    async (planned, finalChecks) => [
      ...(await userViolations(planned)),
      ...(await invariantViolations(planned, finalChecks)),
    ],
  ),
  expiryDuringCall(
    'both executions are stopped, and the record of the creation expires before the first step of its roll-back',
    {
      call: STOP_CREATION,
      start: async (planned) => {
        await stopDuringSetPassword(planned, 'CreateServiceUser');
        await interventions.stop('ProvisionServiceUser', planned.id);
      },
      expired: ['CreateServiceUser'],
    },
    async (planned, finalChecks) => [
      ...(await userViolations(planned)),
      ...(await invariantViolations(planned, finalChecks)),
    ],
  ),
  expiryDuringCall(
    'a provisioning is stopped, and its record expires before the first step of its roll-back',
    {
      call: STOP_PROVISIONING,
      start: (planned) => stopDuringSetPassword(planned, 'ProvisionServiceUser'),
      expired: ['ProvisionServiceUser'],
    },
    userViolations,
  ),
  {
    name: "the target's record expires after the response to App1's request was lost",
    async run(finalChecks) {
      const planned = await plan();
      const request = REQUEST.match(planned);
      const lost = await inject(
        { ...request, response: { abort_bytes: 0 }, times: 1 },
        { ...request, timeout_ms: 4_000 },
      );
      try {
        await post(planned, planned.key);
        await lost.waitUntilFired(120_000);
        await waitUntilFinished('CreateServiceUser', planned.id);
        await expireRecords(planned.id, 'CreateServiceUser');
      } finally {
        await lost.lift();
      }
      await waitUntilIdle(planned.id);
      return invariantViolations(planned, finalChecks);
    },
  },
  ...(
    [
      ["the record of the target's roll-back", ['RollBackServiceUser']],
      ['every record of the target', ['RollBackServiceUser', 'CreateServiceUser']],
    ] as const
  ).map(
    ([records, expired]): Case => ({
      name: `${records} expires while App1 polls for the removal of the user`,
      async run(finalChecks) {
        const planned = await plan();
        await provision(planned);
        const lost = await inject(
          { ...findCall(CANCEL).match(planned), response: { abort_bytes: 0 }, times: 1 },
          dropCalls(CANCEL, planned),
        );
        try {
          await system.deprovision(planned.id);
          await lost.waitUntilFired(120_000);
          await eventually(
            async () => expect(await listExecutionNames('RollBackServiceUser', planned.id)).not.toEqual([]),
            60_000,
          );
          await eventually(
            async () =>
              expect(await listExecutionNames('RollBackServiceUser', planned.id, 'RUNNING')).toEqual([]),
            60_000,
          );
          await expireRecords(planned.id, ...expired);
        } finally {
          await lost.lift();
        }
        await waitUntilIdle(planned.id);
        return removalViolations(planned, finalChecks);
      },
    }),
  ),
  ...(
    [
      ["the target's record expires", ['CreateServiceUser']],
      ['both records expire', ['ProvisionServiceUser', 'CreateServiceUser']],
    ] as const
  ).map(
    ([records, expired]): Case => ({
      name: `${records} between a failed roll-back and the sweep`,
      async run(finalChecks) {
        const planned = await plan();
        await failRollBack(planned);
        await expireRecords(planned.id, ...expired);
        // App1's roll-back may have failed before the sweep, too: then the next roll-back is App1's.
        await eventually(
          async () => {
            await runSweepsSoon();
            await waitUntilIdle(planned.id);
            expect(await userViolations(planned)).toEqual([]);
            if (expired.length === 1) await waitForOutcome(planned.id, 0);
          },
          300_000,
          POLL_INTERVAL_MS,
        );
        return expired.length === 1 ? removalViolations(planned, finalChecks) : userViolations(planned);
      },
    }),
  ),
  {
    name: 'the sweep repeats a failed roll-back during the next provisioning of its key',
    async run(finalChecks) {
      const planned = await plan();
      await failRollBack(planned);
      const again = secondOf(planned);
      // App1's roll-back of the first generation retries until the second user has been created.
      const cancellations = await inject(dropCalls(CANCEL, planned));
      const rollBackStop = await inject(dropCalls(STOP_CREATION, planned));
      const decryption = await inject(useUpRetries(DECRYPT, again));
      const creation = await inject(useUpRetries(CREATE, again));
      try {
        await cancellations.waitUntilFired(120_000);
        await expireRecords(planned.id, 'ProvisionServiceUser', 'CreateServiceUser');
        await runSweepsSoon();
        await rollBackStop.waitUntilFired(120_000);
        await post(again, again.key);
        await decryption.waitUntilFired(120_000);
        // The roll-back reads the execution that it has to stop, and finds the second generation.
        await rollBackStop.lift();
        await eventually(
          async () =>
            expect(await listExecutionNames('RollBackServiceUser', planned.id, 'SUCCEEDED')).not.toEqual([]),
          60_000,
          POLL_INTERVAL_MS,
        );
        await Promise.all([decryption.lift(), creation.lift()]);
        await waitForOutcome(again.id);
      } finally {
        await Promise.all([cancellations, rollBackStop, decryption, creation].map((rules) => rules.lift()));
      }
      await waitUntilIdle(again.id);
      const { status, user } = await waitForOutcome(again.id);
      return [
        ...(user === 'present' ? [] : [`I1: the next provisioning is ${status}, ${user}.`]),
        ...(await invariantViolations(again, finalChecks)),
      ];
    },
  },
];

/** A rule by which a state succeeds with its last retry, so that the execution stays in it for long. */
const useUpRetries = (call: Call, planned: PlannedProvisioning): FaultRule => ({
  ...call.match(planned),
  timeout_ms: 4_000,
  times: 4,
});

/** Deprovisions a user whose deletion is denied: the target's roll-back fails, and App1's roll-back retries. */
async function failRollBack(planned: PlannedProvisioning): Promise<void> {
  await provision(planned);
  const refused = await inject(DELETION(planned));
  try {
    await system.deprovision(planned.id);
    await eventually(
      async () =>
        expect(await listExecutionNames('RollBackServiceUser', planned.id, 'FAILED')).not.toEqual([]),
      400_000,
      POLL_INTERVAL_MS,
    );
  } finally {
    await refused.lift();
  }
}

/** Starts a provisioning that an operator stops, at one of the services, while its user has no password. */
async function stopDuringSetPassword(
  planned: PlannedProvisioning,
  machine: keyof typeof rollBackOf,
): Promise<void> {
  const timeouts = await inject(dropCalls('SetPassword cognito-idp:AdminSetUserPassword', planned));
  try {
    await post(planned, planned.key);
    await timeouts.waitUntilFired(120_000);
    await interventions.stop(machine, planned.id);
  } finally {
    await timeouts.lift();
  }
}

/** The next provisioning of a username, whose user has another sub. */
const secondOf = (planned: PlannedProvisioning): PlannedProvisioning => ({
  ...planned,
  password: newPassword(),
  sub: predictedSub(targetOutputs.user_pool_id, planned.username, 2),
});

/** Provisions and deprovisions a user; then the main records expire before the younger ones of the roll-backs. */
async function expireAfterDelete(): Promise<PlannedProvisioning> {
  const { planned } = await histories['a DELETE']();
  await expireRecords(planned.id, ...expiries['both records']);
  return planned;
}

/** Faults of the second provisioning of a key, whose compensation must not affect the user of the first one. */
const faultsOfSecond: Record<string, (planned: PlannedProvisioning) => FaultRule[]> = {
  'whose later step fails': (planned) => [GROUP(planned), PROVISIONED(planned)],
  'whose first attempt times out': (planned) => [{ ...CREATE.match(planned), timeout_ms: 4_000, times: 1 }],
  'which the target rejects': (planned) => [
    { ...REQUEST.match(planned), error: { code: 'AccessDeniedException', status: 403 } },
  ],
};

/** Violations that the system had before generations distinguished the provisionings of a key. */
const scenarios: Case[] = [
  {
    name: "scenario: the target's record expires; DELETE reports the absence only after it has removed the user",
    async run(finalChecks) {
      const past = await histories['a success']();
      await expireRecords(past.planned.id, 'CreateServiceUser');
      const found = await remove(past, finalChecks);
      const { username, password } = past.planned;
      const signsIn = await system.signIn(username, password).then(
        () => true,
        () => false,
      );
      return [
        ...found,
        ...(signsIn ? [`I8: DELETE returned 204, but ${username} can sign in.`] : []),
        ...(await missingEvents(past.planned, 'ServiceUserRemoved')),
        ...(await missingEvents(past.planned, 'ServiceUserDeprovisioned')),
      ];
    },
  },
  {
    name: 'scenario: both records expire; the same key does not change the existing user',
    async run(finalChecks) {
      const past = await histories['a success']();
      await expireRecords(past.planned.id, ...expiries['both records']);
      return repeat(past, finalChecks);
    },
  },
  ...Object.entries(faultsOfSecond).map(
    ([condition, rules]): Case => ({
      name: `scenario: both records expire; the same key, ${condition}, does not change the existing user`,
      async run(finalChecks) {
        const past = await histories['a success']();
        await expireRecords(past.planned.id, ...expiries['both records']);
        const faults = await inject(...rules(past.planned));
        try {
          return await repeat(past, finalChecks);
        } finally {
          await faults.lift();
        }
      },
    }),
  ),
  {
    name: 'scenario: the main records expire after a DELETE; the same key creates a user, which can be removed',
    async run(finalChecks) {
      const planned = await expireAfterDelete();
      const again = secondOf(planned);
      await post(again, again.key);
      await waitForOutcome(again.id);
      const { status, user } = provisioningStatus.parse((await system.status(again.id)).body);
      const found = await invariantViolations(again, finalChecks);
      if (`${status}, ${user}` !== 'SUCCEEDED, present') found.push(`I1: it is ${status}, ${user}.`);
      return [...found, ...(await removalViolations(again, finalChecks))];
    },
  },
  {
    name: 'scenario: the main records expire after a DELETE; the same key, stopped during the creation, leaves no user',
    async run(finalChecks) {
      const again = secondOf(await expireAfterDelete());
      await stopDuringSetPassword(again, 'CreateServiceUser');
      await waitForOutcome(again.id, 180_000);
      await waitUntilIdle(again.id);
      return [...(await userViolations(again)), ...(await invariantViolations(again, finalChecks))];
    },
  },
];

const cases: Case[] = [
  ...scenarios,
  ...expiriesDuringCalls,
  ...table('a success', MAIN, [...EACH, LATE, OTHER]),
  ...table('a success', ["App1's record", 'both records'], [AGAIN]),
  ...table('a compensated failure', MAIN, [...EACH, OTHER]),
  ...table('a compensated failure', ["App1's record", 'both records'], [AGAIN]),
  ...table('a DELETE', MAIN, [...EACH, OTHER]),
  ...table('a DELETE', ROLL_BACKS, ['GET', 'DELETE', 'retry', OTHER]),
  ...table('a DELETE', ['every record'], ['the same POST', AGAIN, LATE]),
];

suite('expired records', cases, {
  run: ({ run }, finalChecks) => run(finalChecks),
  check: (broken) => expect(broken).toEqual([]),
  sample: 30,
});
