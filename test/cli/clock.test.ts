import { createServer, type Server } from 'node:http';
import { STSClient } from '@aws-sdk/client-sts';
import { afterEach, describe, expect, it } from '@jest/globals';
import { askStatus } from '../../cli/app1-api.ts';
import { aheadOf, clockState, identityOf } from '../../cli/clock.ts';
import { proposing } from '../../cli/session.ts';
import { problemBody } from '../../contracts/problems.ts';

const NOW = Date.parse('2026-01-01T12:00:00.500Z');
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

const FOUND = `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:me</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>`;
const refused = (code: string) => `<ErrorResponse><Error><Code>${code}</Code></Error></ErrorResponse>`;

/** A client of an STS that answers so, at its own time. */
async function sts(status: number, body: string, date: string | undefined): Promise<STSClient> {
  const server = createServer((_request, response) => {
    response.sendDate = false;
    response.writeHead(status, {
      'Content-Type': 'text/xml',
      Connection: 'close',
      ...(date === undefined ? {} : { Date: date }),
    });
    response.end(body);
  });
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('There is no port.');
  return new STSClient({
    endpoint: `http://127.0.0.1:${address.port}`,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 's' },
    maxAttempts: 1,
  });
}

describe('who asks, and at what time', () => {
  it.each([
    ['the same', 'Thu, 01 Jan 2026 12:00:00 GMT', 0],
    ['ten minutes behind', 'Thu, 01 Jan 2026 12:10:00 GMT', -600_000],
    ['a day ahead', 'Wed, 31 Dec 2025 12:00:00 GMT', 86_400_000],
    ['not told', undefined, undefined],
    ['told badly', 'yesterday', undefined],
  ])('is found out by one call: %s', async (_what, date, ahead) => {
    const client = await sts(200, FOUND, date);
    await expect(identityOf(client, () => NOW)).resolves.toEqual({ arn: 'arn:me', ahead });
  });

  it('is told when the clock is why it is refused', async () => {
    const client = await sts(403, refused('SignatureDoesNotMatch'), 'Thu, 01 Jan 2026 12:10:00 GMT');
    await expect(identityOf(client, () => NOW)).rejects.toMatchObject({
      code: 'CLOCK_WRONG',
      exit: 'unreachable',
      message: "AWS refuses the signature: the clock of this machine is 10 minutes behind AWS's.",
    });
  });

  it('is no matter of the clock when that is right', async () => {
    const client = await sts(403, refused('InvalidClientTokenId'), 'Thu, 01 Jan 2026 12:00:01 GMT');
    await expect(identityOf(client, () => NOW)).rejects.toMatchObject({ name: 'InvalidClientTokenId' });
  });
});

describe('two clocks', () => {
  it.each([
    [0, 'right'],
    [30_000, 'right'],
    [-30_000, 'right'],
    [30_001, 'off'],
    [-300_000, 'off'],
    [300_001, 'refused'],
    [-300_001, 'refused'],
  ] as const)('that differ by %i ms are %s', (ahead, state) => {
    expect(clockState(ahead)).toBe(state);
  });

  it('are compared in the middle of the second that a header names', () => {
    expect(aheadOf('Thu, 01 Jan 2026 12:00:00 GMT', NOW)).toBe(0);
    expect(aheadOf(null, NOW)).toBeUndefined();
  });
});

describe("App1's refusal", () => {
  const answering = (date: Date) => ({
    connection: {
      callApp1: async () =>
        new Response(JSON.stringify(problemBody('FORBIDDEN')), {
          status: 403,
          headers: { Date: date.toUTCString() },
        }),
    },
    propose: proposing({}),
  });

  it('is told as what it is: the clock of this machine', async () => {
    const soon = new Date(Date.now() + 600_000);
    await expect(askStatus(answering(soon), 'id')).rejects.toMatchObject({ code: 'CLOCK_WRONG' });
  });

  it('is a refusal when the clock is right', async () => {
    await expect(askStatus(answering(new Date()), 'id')).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });
});
