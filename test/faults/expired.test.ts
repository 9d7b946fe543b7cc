import { EventBridgeClient, ListRulesCommand, ListTargetsByRuleCommand } from '@aws-sdk/client-eventbridge';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { expect } from '@jest/globals';
import { provisioningAccepted } from '../../contracts/app1-api.ts';
import { completionNotification } from '../../contracts/notification.ts';
import { provisioningStatus } from '../../contracts/status.ts';
import { predictedSub } from '../../local/harness/faults/predicted-sub.ts';
import type { FaultRule } from '../../local/harness/faults/rules.ts';
import type { Answer, Machine, PublishedEvent } from '../../local/system.ts';
import { configuration, ended, newPassword, outputs, system } from '../e2e/support/deployed.ts';
import { eventually } from '../local-aws/support/eventually.ts';
import type { Call } from './matrix/calls.ts';
import { LOOK_EVERY } from './support/at-once.ts';
import { falseClaims } from './support/claims.ts';
import { execution, executionEnded, type rollBackOf } from './support/executions.ts';
import { expire, machines, namesOf, nothingRuns } from './support/expiry.ts';
import { callNamed, refusal, unanswered } from './support/holds.ts';
import { interventions } from './support/interventions.ts';
import { type Planned, plan } from './support/known.ts';
import { endOf, violations } from './support/oracle.ts';
import { provisioned } from './support/places.ts';
import { changesOf, type ForeignUser, seenUser } from './support/pool.ts';
import { deprovision, post, problemCode, statusAtApp2 } from './support/provisioning.ts';
import { inject } from './support/proxy.ts';
import { type Aftermath, suite } from './support/suite.ts';
import { sweepSoon } from './support/sweeps.ts';

/**
 * The record has expired. AWS drops the record of an execution 90 days after its end; the user, its password and its
 * groups stay in the pool. So whatever is asked afterwards must neither touch a user of that time that nobody has asked
 * to remove, nor say that there is none.
 */
interface Case {
  name: string;
  /** What contradicts the invariants. */
  run: (aftermath: Aftermath) => Promise<string[]>;
}

const GROUP = refusal('AddToGroup cognito-idp:AdminAddUserToGroup');
const PROVISIONED = refusal('PublishProvisioned events:PutEvents');
const DELETION = refusal('DeleteUser cognito-idp:AdminDeleteUser');
const DECRYPT = callNamed('DecryptCredentials kms:Decrypt');
const CREATE = callNamed('CreateUser cognito-idp:AdminCreateUser');
const REQUEST = callNamed('RequestUserCreation POST /admin/create-user');

/** What was, before a record expired. */
interface Past {
  planned: Planned;
  /** The user that the provisioning had made, as it was then; absent when it had none. */
  user: ForeignUser | undefined;
}

async function pastOf(planned: Planned): Promise<Past> {
  const { username, password } = planned;
  await nothingRuns(planned.id);
  const seen = await seenUser(username);
  return { planned, user: seen === undefined ? undefined : { username, password, seen } };
}

/** What becomes of a provisioning before its record expires. */
const histories = {
  'a success': async () => {
    const planned = await plan();
    await provisioned(planned);
    return pastOf(planned);
  },
  'a failure that was compensated': async () => {
    const planned = await plan();
    const refused = await inject(GROUP(planned));
    await post(planned, planned.key);
    await endOf(planned.id);
    await refused.lift();
    return pastOf(planned);
  },
  'a DELETE': async () => {
    const planned = await plan();
    await provisioned(planned);
    await deprovision(planned.id);
    return pastOf(planned);
  },
} as const;

/** Whose record expires. */
const expiries = {
  "App1's record": ['ProvisionServiceUser'],
  "the target's record": ['CreateServiceUser'],
  'both records': ['ProvisionServiceUser', 'CreateServiceUser'],
  "the record of App1's roll-back": ['RollBackProvisioning'],
  "the record of the target's roll-back": ['RollBackServiceUser'],
  'the records of both roll-backs': ['RollBackProvisioning', 'RollBackServiceUser'],
  'every record': machines,
} as const satisfies Record<string, readonly Machine[]>;

/** What somebody does afterwards; gives what contradicts the invariants. */
type Operation = (past: Past, aftermath: Aftermath) => Promise<string[]>;

const isKnown = async (machine: Machine, { planned: { id } }: Past): Promise<boolean> =>
  (await execution(machine, id)) !== undefined;

/** I3: what has become of the user of that time; the end of the suite looks once more. */
async function touched({ user }: Past, aftermath: Aftermath): Promise<string[]> {
  if (user === undefined) return [];
  aftermath.foreign(user);
  return (await changesOf(user)).map((change) => `I3: ${change}`);
}

const answered = (what: string, { status, body }: Answer): string =>
  `${what} was answered with ${status}: ${JSON.stringify(body)}`;

/** DELETE until it is over: the user that App1 knows of is gone, the one that it has forgotten is untouched. */
const remove: Operation = async (past, aftermath) => {
  const { id, username } = past.planned;
  if (!(await isKnown('ProvisionServiceUser', past))) {
    const answer = await system.deprovision(id);
    const found = answer.status === 404 ? [] : [answered('DELETE of what App1 has forgotten', answer)];
    return [...found, ...(await touched(past, aftermath))];
  }
  await deprovision(id);
  await nothingRuns(id);
  const isThere = past.user !== undefined && (await seenUser(username)) === past.user.seen;
  const found = isThere ? [`I2, I8: DELETE was answered with 204, but ${username} is there.`] : [];
  return [...found, ...(await judged(past.planned, aftermath))];
};

/** The same key again: a repeat where App1 knows it, else a provisioning of its own, whose password is another one. */
const repeat: Operation = async (past, aftermath) => (await repeated(past, aftermath)).found;

async function repeated(past: Past, aftermath: Aftermath): Promise<{ found: string[]; again: Planned }> {
  const { planned, user } = past;
  const isNew = !(await isKnown('ProvisionServiceUser', past));
  const isFresh = isNew && user === undefined && !(await isKnown('CreateServiceUser', past));
  const again = isNew ? { ...planned, password: newPassword() } : planned;
  const before = isNew ? undefined : await ended(planned.id);
  const published = await system.events(planned.id);
  const answer = await post(again, planned.key);
  if (answer.status !== 202) return { found: [answered('POST', answer)], again };
  const { status, user: presence, error } = await endOf(planned.id);
  const found = await judged(again, aftermath);
  if (before !== undefined && status !== before.status)
    found.push(`I4: a repeat of what was ${before.status} is ${status}.`);
  if (isNew) found.push(...(await taken(planned, published)));
  if (isFresh && presence !== 'present')
    found.push(`I1: nothing is left of the time before, but it is ${status}, ${presence}, ${error?.code}.`);
  if (isNew && user !== undefined && status !== 'FAILED')
    found.push(`I4: the name is taken, but it is ${status}.`);
  return { found: [...found, ...(await touched(past, aftermath))], again };
}

/** What a subscriber would drop as a repeat: events whose event_id another generation has had. */
async function taken({ id }: Planned, before: PublishedEvent[]): Promise<string[]> {
  const ids = before.map(({ detail }) => detail.metadata.event_id);
  const later = (await system.events(id)).slice(before.length);
  return later.flatMap(({ 'detail-type': name, detail: { metadata } }) =>
    ids.includes(metadata.event_id)
      ? [`${name} has the event_id of an earlier event: ${metadata.event_id}.`]
      : [],
  );
}

const operations = {
  GET: async (past, aftermath) => {
    const { id } = past.planned;
    const answers = await Promise.all([system.status(id), statusAtApp2(id)]);
    const known = await Promise.all(
      (['ProvisionServiceUser', 'CreateServiceUser'] as const).map((machine) => isKnown(machine, past)),
    );
    const found = answers.flatMap((answer, n) =>
      answer.status === (known[n] ? 200 : 404) ? [] : [answered('GET', answer)],
    );
    return [...found, ...falseClaims(id), ...(await touched(past, aftermath))];
  },

  DELETE: remove,

  'the same POST': repeat,

  // What the second generation leaves can be removed, and the first one's user stays.
  'the same POST, then DELETE': async (past, aftermath) => {
    const { found, again } = await repeated(past, aftermath);
    await deprovision(again.id);
    await nothingRuns(again.id);
    return [...found, ...(await judged(again, aftermath)), ...(await touched(past, aftermath))];
  },

  retry: async (past, aftermath) => {
    const { id, username } = past.planned;
    const isThere = (await seenUser(username)) !== undefined;
    const answer = await system.retry(id);
    if (!(await isKnown('ProvisionServiceUser', past)))
      return [
        ...(answer.status === 404 ? [] : [answered('a retry of what App1 has forgotten', answer)]),
        ...(await touched(past, aftermath)),
      ];
    if (answer.status !== 202)
      return [
        ...(problemCode(answer) === 'PROVISIONING_IN_PROGRESS' ? [] : [answered('a retry', answer)]),
        ...(await touched(past, aftermath)),
      ];
    const next = { ...past.planned, id: provisioningAccepted.parse(answer.body).provisioning_id };
    const { status } = await endOf(next.id);
    return [
      ...(isThere === (status === 'SUCCEEDED')
        ? [`I4: a retry is ${status}, the name taken: ${isThere}.`]
        : []),
      ...(await judged(next, aftermath)),
      ...(await touched(past, aftermath)),
    ];
  },

  'a run of the sweep': async (past, aftermath) => {
    await sweepSoon();
    await nothingRuns(past.planned.id);
    return touched(past, aftermath);
  },

  // Both are told at least once, so they may be told again, and late.
  'a late notification of the end': async (past, aftermath) => {
    await tellAgain(past.planned, 'SUCCEEDED');
    await tellAgain(past.planned, 'ABORTED');
    await nothingRuns(past.planned.id);
    return [...falseClaims(past.planned.id), ...(await touched(past, aftermath))];
  },

  'a provisioning of the same name under another key': async (past, aftermath) => {
    const other = await plan({ username: past.planned.username });
    const key = `another-${other.key}`;
    const { body } = await post(other, key);
    const next = { ...other, id: provisioningAccepted.parse(body).provisioning_id };
    const { status, error } = await endOf(next.id);
    const expected = past.user === undefined ? 'SUCCEEDED' : 'FAILED, USER_ALREADY_EXISTS';
    const came = [status, ...(error === undefined ? [] : [error.code])].join(', ');
    return [
      ...(came === expected ? [] : [`I4: the other one is ${came}, not ${expected}.`]),
      ...(await judged(next, aftermath)),
      ...(await touched(past, aftermath)),
    ];
  },
} as const satisfies Record<string, Operation>;

/** The oracle's word on a provisioning that App1 knows. */
async function judged(planned: Planned, aftermath: Aftermath): Promise<string[]> {
  const creation_id = await system.generationOf('ProvisionServiceUser', planned.id);
  const asked = creation_id === undefined ? planned : { ...planned, creation_id };
  const broken = await violations(asked, { within: 180_000 });
  aftermath.ended(asked, (await endOf(planned.id)).user);
  return broken;
}

const events = new EventBridgeClient(configuration);
const lambda = new LambdaClient(configuration);
const bus = outputs.app2.event_bus_name;

/** Calls whatever listens to the end of a creation, at both services, with an end of this status. */
async function tellAgain(
  { id, username, human_user_id }: Planned,
  status: 'SUCCEEDED' | 'ABORTED',
): Promise<void> {
  const at = new Date();
  const executionArns = ['CreateServiceUser', 'ProvisionServiceUser'].map((machine) => ({
    machine,
    name: id,
  }));
  const notification = {
    source: completionNotification.source,
    'detail-type': completionNotification.detailType,
    detail: {
      provisioning_id: id,
      status,
      user: status === 'SUCCEEDED' ? 'present' : 'being_removed',
      username,
      human_user_id,
      started_at: at.toISOString(),
      stopped_at: at.toISOString(),
    },
  };
  await invokeAll(await targetsOf(completionNotification.detailType, bus), notification);
  for (const { name } of executionArns)
    await invokeAll(await targetsOf('Execution Status Change'), { detail: { name, status } });
}

/** The functions that a rule whose pattern contains a text calls. */
async function targetsOf(text: string, EventBusName?: string): Promise<string[]> {
  const { Rules = [] } = await events.send(new ListRulesCommand({ EventBusName }));
  const all = await Promise.all(
    Rules.filter(({ EventPattern = '' }) => EventPattern.includes(text)).map(async ({ Name: Rule }) => {
      const { Targets = [] } = await events.send(new ListTargetsByRuleCommand({ Rule, EventBusName }));
      return Targets.flatMap(({ Arn = '' }) => (Arn.includes(':function:') ? [Arn] : []));
    }),
  );
  return all.flat();
}

/** A function that refuses the event has nothing done; EventBridge would try again. */
const invokeAll = (functions: string[], event: object): Promise<unknown> =>
  Promise.all(
    functions.map((FunctionName) =>
      lambda.send(new InvokeCommand({ FunctionName, Payload: JSON.stringify(event) })),
    ),
  );

/** Every operation of these after every expiry of these. */
const table = (
  history: keyof typeof histories,
  of: readonly (keyof typeof expiries)[],
  then: readonly (keyof typeof operations)[],
): Case[] =>
  of.flatMap((expiry) =>
    then.map((operation) => ({
      name: `${expiry} expired after ${history}: ${operation}`,
      async run(aftermath) {
        const past = await histories[history]();
        await expire(past.planned.id, ...expiries[expiry]);
        return operations[operation](past, aftermath);
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
const LATE = 'a late notification of the end';
const AGAIN = 'the same POST, then DELETE';

/** What happens while something waits for a call that has no answer until the record has expired. */
const between = (
  name: string,
  {
    call,
    begin,
    of,
    rules = [],
  }: {
    /** The call of the matrix that is not answered. */
    call: string;
    /** What leads to it. */
    begin: (planned: Planned) => Promise<unknown>;
    of: readonly Machine[];
    rules?: readonly ((planned: Planned) => FaultRule)[];
  },
  expected: (planned: Planned, aftermath: Aftermath) => Promise<string[]>,
): Case => ({
  name,
  async run(aftermath) {
    const planned = await plan();
    const wrong = await inject(...rules.map((rule) => rule(planned)));
    const hold = await inject(unanswered(call, planned));
    try {
      await begin(planned);
      await hold.met(120_000);
      for (const machine of of) await executionEnded(machine, planned.id);
      await expire(planned.id, ...of);
    } finally {
      await hold.lift();
    }
    try {
      await nothingRuns(planned.id);
      return await expected(planned, aftermath);
    } finally {
      await wrong.lift();
    }
  },
});

const deprovisioned = async (planned: Planned): Promise<void> => {
  await provisioned(planned);
  await system.deprovision(planned.id);
};

/** App1 has forgotten it, and nobody has a user of it. */
const gone = async ({ id, username }: Planned): Promise<string[]> => {
  const user = await system.user(username);
  return [...(user === undefined ? [] : [`I2: ${username} of ${id} is still there.`]), ...falseClaims(id)];
};

/** App1 knows it, says that the user is absent, and that is so. */
const removed = async (planned: Planned, aftermath: Aftermath): Promise<string[]> => {
  await deprovision(planned.id);
  await nothingRuns(planned.id);
  return [...(await gone(planned)), ...(await judged(planned, aftermath))];
};

const toldBy = async (planned: Planned, wanted: string): Promise<string[]> => {
  const names = (await system.events(planned.id)).map((event) => event['detail-type']);
  return names.includes(wanted) ? [] : [`No ${wanted} was published: ${names.join(', ')}.`];
};

const STOP_PROVISIONING = 'StopProvisioning states:DescribeExecution';
const STOP_CREATION = 'StopUserCreation states:DescribeExecution';
const CANCEL = 'CancelUserCreation DELETE /admin/create-user/{id}';
const DELETE_USER = 'DeleteUser cognito-idp:AdminDeleteUser';
const LOOK_BY_NAME = 'DeleteUser cognito-idp:AdminGetUser by name';

const halves: Case[] = [
  between(
    "App1's record expires before the first step of its roll-back",
    { call: STOP_PROVISIONING, begin: deprovisioned, of: ['ProvisionServiceUser'] },
    async (planned) => [...(await gone(planned)), ...(await toldBy(planned, 'ServiceUserDeprovisioned'))],
  ),
  between(
    "App1's record expires while its roll-back asks the target",
    { call: CANCEL, begin: deprovisioned, of: ['ProvisionServiceUser'] },
    async (planned) => [...(await gone(planned)), ...(await toldBy(planned, 'ServiceUserDeprovisioned'))],
  ),
  between(
    "the target's record expires before App1's roll-back asks the target",
    { call: CANCEL, begin: deprovisioned, of: ['CreateServiceUser'] },
    async (planned, aftermath) => [
      ...(await removed(planned, aftermath)),
      ...(await toldBy(planned, 'ServiceUserRemoved')),
    ],
  ),
  between(
    "the target's record expires before the first step of its roll-back",
    { call: STOP_CREATION, begin: deprovisioned, of: ['CreateServiceUser'] },
    async (planned, aftermath) => [
      ...(await removed(planned, aftermath)),
      ...(await toldBy(planned, 'ServiceUserRemoved')),
    ],
  ),
  between(
    "the target's record expires while its roll-back looks for the user",
    { call: LOOK_BY_NAME, begin: deprovisioned, of: ['CreateServiceUser'] },
    removed,
  ),
  between(
    "the target's record expires while its roll-back removes the user",
    { call: DELETE_USER, begin: deprovisioned, of: ['CreateServiceUser'] },
    removed,
  ),
  between(
    'both records expire while the target removes the user',
    { call: DELETE_USER, begin: deprovisioned, of: ['ProvisionServiceUser', 'CreateServiceUser'] },
    gone,
  ),
  between(
    "the target's record expires before App1's compensation asks the target",
    {
      call: CANCEL,
      begin: (planned) => post(planned, planned.key),
      of: ['CreateServiceUser'],
      rules: [PROVISIONED],
    },
    async (planned, aftermath) => [...(await gone(planned)), ...(await judged(planned, aftermath))],
  ),
  between(
    'both executions are stopped, and the record of the creation expires before the first step of its roll-back',
    {
      call: STOP_CREATION,
      begin: async (planned) => {
        await stoppedHalfWay(planned, 'CreateServiceUser');
        await interventions.stop('ProvisionServiceUser', planned.id);
      },
      of: ['CreateServiceUser'],
    },
    async (planned, aftermath) => [...(await gone(planned)), ...(await judged(planned, aftermath))],
  ),
  between(
    'a provisioning is stopped, and its record expires before the first step of its roll-back',
    {
      call: STOP_PROVISIONING,
      begin: (planned) => stoppedHalfWay(planned, 'ProvisionServiceUser'),
      of: ['ProvisionServiceUser'],
    },
    gone,
  ),
  {
    name: "the target's record expires while App1 asks for the creation, whose answer was lost",
    async run(aftermath) {
      const planned = await plan();
      const request = REQUEST.match(planned);
      const lost = await inject(
        { ...request, response: { abort_bytes: 0 }, times: 1 },
        { ...request, timeout_ms: 4_000 },
      );
      try {
        await post(planned, planned.key);
        await lost.met(120_000);
        await executionEnded('CreateServiceUser', planned.id);
        await expire(planned.id, 'CreateServiceUser');
      } finally {
        await lost.lift();
      }
      await nothingRuns(planned.id);
      return judged(planned, aftermath);
    },
  },
  ...(
    [
      ["the record of the target's roll-back", ['RollBackServiceUser']],
      ["every record of the target's", ['RollBackServiceUser', 'CreateServiceUser']],
    ] as const
  ).map(
    ([what, of]): Case => ({
      name: `${what} expires while App1 asks whether the user is gone`,
      async run(aftermath) {
        const planned = await plan();
        await provisioned(planned);
        const lost = await inject(
          { ...callNamed(CANCEL).match(planned), response: { abort_bytes: 0 }, times: 1 },
          unanswered(CANCEL, planned),
        );
        try {
          await system.deprovision(planned.id);
          await lost.met(120_000);
          await eventually(
            async () => expect(await namesOf('RollBackServiceUser', planned.id)).not.toEqual([]),
            60_000,
          );
          await eventually(
            async () => expect(await namesOf('RollBackServiceUser', planned.id, 'RUNNING')).toEqual([]),
            60_000,
          );
          await expire(planned.id, ...of);
        } finally {
          await lost.lift();
        }
        await nothingRuns(planned.id);
        return removed(planned, aftermath);
      },
    }),
  ),
  ...(
    [
      ["the target's record expires", ['CreateServiceUser']],
      ['both records expire', ['ProvisionServiceUser', 'CreateServiceUser']],
    ] as const
  ).map(
    ([what, of]): Case => ({
      name: `${what} between a roll-back that failed and the sweep`,
      async run(aftermath) {
        const planned = await plan();
        await failedToRollBack(planned);
        await expire(planned.id, ...of);
        // App1 may have given up, too, before the sweep comes: then the next one is App1's.
        await eventually(
          async () => {
            await sweepSoon();
            await nothingRuns(planned.id);
            expect(await gone(planned)).toEqual([]);
            if (of.length === 1) await endOf(planned.id, 0);
          },
          300_000,
          LOOK_EVERY,
        );
        return of.length === 1 ? removed(planned, aftermath) : gone(planned);
      },
    }),
  ),
  {
    name: 'a roll-back that failed is tried again beside the next provisioning of its key',
    async run(aftermath) {
      const planned = await plan();
      await failedToRollBack(planned);
      const again = secondOf(planned);
      // App1's roll-back of the first one asks on, and comes through only when the second one is made.
      const silenced = await inject(unanswered(CANCEL, planned));
      const waiting = await inject(unanswered(STOP_CREATION, planned));
      const stuck = await inject(heldShortly(DECRYPT, again));
      const stuckLonger = await inject(heldShortly(CREATE, again));
      try {
        await silenced.met(120_000);
        await expire(planned.id, 'ProvisionServiceUser', 'CreateServiceUser');
        await sweepSoon();
        await waiting.met(120_000);
        await post(again, again.key);
        await stuck.met(120_000);
        // It looks for what it has to stop, and meets the second one.
        await waiting.lift();
        await eventually(
          async () => expect(await namesOf('RollBackServiceUser', planned.id, 'SUCCEEDED')).not.toEqual([]),
          60_000,
          LOOK_EVERY,
        );
        await Promise.all([stuck.lift(), stuckLonger.lift()]);
        await endOf(again.id);
      } finally {
        await Promise.all([silenced, waiting, stuck, stuckLonger].map((one) => one.lift()));
      }
      await nothingRuns(again.id);
      const { status, user } = await endOf(again.id);
      return [
        ...(user === 'present' ? [] : [`I1: the next one is ${status}, ${user}.`]),
        ...(await judged(again, aftermath)),
      ];
    },
  },
];

/** A rule by which a state tries as often as it may, and then goes on: the states one after the other hold for long. */
const heldShortly = (call: Call, planned: Planned): FaultRule => ({
  ...call.match(planned),
  timeout_ms: 4_000,
  times: 4,
});

/** Deprovisioned in vain: the target has given its roll-back up, and App1 asks on. */
async function failedToRollBack(planned: Planned): Promise<void> {
  await provisioned(planned);
  const refused = await inject(DELETION(planned));
  try {
    await system.deprovision(planned.id);
    await eventually(
      async () => expect(await namesOf('RollBackServiceUser', planned.id, 'FAILED')).not.toEqual([]),
      400_000,
      LOOK_EVERY,
    );
  } finally {
    await refused.lift();
  }
}

/** A provisioning that an operator stops, at one of the services, while it has a user without a password. */
async function stoppedHalfWay(planned: Planned, machine: keyof typeof rollBackOf): Promise<void> {
  const stuck = await inject(unanswered('SetPassword cognito-idp:AdminSetUserPassword', planned));
  try {
    await post(planned, planned.key);
    await stuck.met(120_000);
    await interventions.stop(machine, planned.id);
  } finally {
    await stuck.lift();
  }
}

/** The second user of a name has another sub. */
const secondOf = (planned: Planned): Planned => ({
  ...planned,
  password: newPassword(),
  sub: predictedSub(outputs.app2.user_pool_id, planned.username, 2),
});

/** Provisioned, deprovisioned, and the main records expired before those of the roll-backs, which are younger. */
async function forgottenAfterDelete(): Promise<Planned> {
  const { planned } = await histories['a DELETE']();
  await expire(planned.id, ...expiries['both records']);
  return planned;
}

/** What goes wrong with the second provisioning of a key, so that its compensation comes near the first one's user. */
const failingLater: Record<string, (planned: Planned) => FaultRule[]> = {
  'whose later step fails': (planned) => [GROUP(planned), PROVISIONED(planned)],
  'whose first attempt is not answered': (planned) => [
    { ...CREATE.match(planned), timeout_ms: 4_000, times: 1 },
  ],
  'which the target refuses': (planned) => [
    { ...REQUEST.match(planned), error: { code: 'AccessDeniedException', status: 403 } },
  ],
};

/** What was seen of the system before a generation told one provisioning of a key from the next. */
const stories: Case[] = [
  {
    name: "story: the target's record expires; DELETE removes the user, and only then says so",
    async run(aftermath) {
      const past = await histories['a success']();
      await expire(past.planned.id, 'CreateServiceUser');
      const found = await remove(past, aftermath);
      const { username, password } = past.planned;
      const signsIn = await system.signIn(username, password).then(
        () => true,
        () => false,
      );
      return [
        ...found,
        ...(signsIn ? [`I8: DELETE was answered with 204, but ${username} signs in.`] : []),
        ...(await toldBy(past.planned, 'ServiceUserRemoved')),
        ...(await toldBy(past.planned, 'ServiceUserDeprovisioned')),
      ];
    },
  },
  {
    name: 'story: both records expire; the same key leaves the established user as it is',
    async run(aftermath) {
      const past = await histories['a success']();
      await expire(past.planned.id, ...expiries['both records']);
      return repeat(past, aftermath);
    },
  },
  ...Object.entries(failingLater).map(
    ([what, rules]): Case => ({
      name: `story: both records expire; the same key, ${what}, leaves the established user as it is`,
      async run(aftermath) {
        const past = await histories['a success']();
        await expire(past.planned.id, ...expiries['both records']);
        const wrong = await inject(...rules(past.planned));
        try {
          return await repeat(past, aftermath);
        } finally {
          await wrong.lift();
        }
      },
    }),
  ),
  {
    name: 'story: the main records expire after a DELETE; the same key makes a user, which is there and can be removed',
    async run(aftermath) {
      const planned = await forgottenAfterDelete();
      const again = secondOf(planned);
      await post(again, again.key);
      await endOf(again.id);
      const { status, user } = provisioningStatus.parse((await system.status(again.id)).body);
      const found = await judged(again, aftermath);
      if (`${status}, ${user}` !== 'SUCCEEDED, present') found.push(`I1: it is ${status}, ${user}.`);
      return [...found, ...(await removed(again, aftermath))];
    },
  },
  {
    name: 'story: the main records expire after a DELETE; the same key, stopped half-way, leaves no half-made user',
    async run(aftermath) {
      const again = secondOf(await forgottenAfterDelete());
      await stoppedHalfWay(again, 'CreateServiceUser');
      await endOf(again.id, 180_000);
      await nothingRuns(again.id);
      return [...(await gone(again)), ...(await judged(again, aftermath))];
    },
  },
];

const cases: Case[] = [
  ...stories,
  ...halves,
  ...table('a success', MAIN, [...EACH, LATE, OTHER]),
  ...table('a success', ["App1's record", 'both records'], [AGAIN]),
  ...table('a failure that was compensated', MAIN, [...EACH, OTHER]),
  ...table('a failure that was compensated', ["App1's record", 'both records'], [AGAIN]),
  ...table('a DELETE', MAIN, [...EACH, OTHER]),
  ...table('a DELETE', ROLL_BACKS, ['GET', 'DELETE', 'retry', OTHER]),
  ...table('a DELETE', ['every record'], ['the same POST', AGAIN, LATE]),
];

suite('the record has expired', cases, {
  run: ({ run }, aftermath) => run(aftermath),
  check: (broken) => expect(broken).toEqual([]),
  sample: 30,
});
