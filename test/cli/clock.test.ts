import { createServer, type Server } from 'node:http';
import { STSClient } from '@aws-sdk/client-sts';
import { afterEach, describe, expect, it } from '@jest/globals';
import { getProvisioning } from '../../cli/app1-api.ts';
import { clockOffsetTo, clockState, identityOf } from '../../cli/clock.ts';
import { proposeFor } from '../../cli/session.ts';
import { problemBody } from '../../contracts/problems.ts';

const NOW = Date.parse('2026-01-01T12:00:00.500Z');
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

const FOUND = `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:me</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>`;
const errorResponse = (code: string) => `<ErrorResponse><Error><Code>${code}</Code></Error></ErrorResponse>`;

/** A client of a fake STS with this response and Date header. */
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

describe('identityOf', () => {
  it.each([
    ['the same', 'Thu, 01 Jan 2026 12:00:00 GMT', 0],
    ['ten minutes behind', 'Thu, 01 Jan 2026 12:10:00 GMT', -600_000],
    ['a day ahead', 'Wed, 31 Dec 2025 12:00:00 GMT', 86_400_000],
    ['without a Date header', undefined, undefined],
    ['with a Date header that is no date', 'yesterday', undefined],
  ])('returns the caller and the clock offset: %s', async (_what, date, clockOffset) => {
    const client = await sts(200, FOUND, date);

    await expect(identityOf(client, () => NOW)).resolves.toEqual({ arn: 'arn:me', clockOffset });
  });

  it('fails with CLOCK_WRONG when the clock is the reason of a rejection', async () => {
    const client = await sts(403, errorResponse('SignatureDoesNotMatch'), 'Thu, 01 Jan 2026 12:10:00 GMT');

    await expect(identityOf(client, () => NOW)).rejects.toMatchObject({
      code: 'CLOCK_WRONG',
      exit: 'unreachable',
      message: "AWS rejects the signature: the clock of this machine is 10 minutes behind AWS's.",
    });
  });

  it('keeps the error of AWS when the clock is accurate', async () => {
    const client = await sts(403, errorResponse('InvalidClientTokenId'), 'Thu, 01 Jan 2026 12:00:01 GMT');

    await expect(identityOf(client, () => NOW)).rejects.toMatchObject({ name: 'InvalidClientTokenId' });
  });
});

describe('clockState', () => {
  it.each([
    [0, 'accurate'],
    [30_000, 'accurate'],
    [-30_000, 'accurate'],
    [30_001, 'off'],
    [-300_000, 'off'],
    [300_001, 'rejected'],
    [-300_001, 'rejected'],
  ] as const)('classifies an offset of %i ms as %s', (offset, state) => {
    expect(clockState(offset)).toBe(state);
  });

  it('is computed from the middle of the second in a Date header', () => {
    expect(clockOffsetTo('Thu, 01 Jan 2026 12:00:00 GMT', NOW)).toBe(0);
    expect(clockOffsetTo(null, NOW)).toBeUndefined();
  });
});

describe('a 403 of App1', () => {
  const forbidden = (date: Date) => ({
    connection: {
      callApp1: async () =>
        new Response(JSON.stringify(problemBody('FORBIDDEN')), {
          status: 403,
          headers: { Date: date.toUTCString() },
        }),
    },
    propose: proposeFor({}),
  });

  it('is reported as CLOCK_WRONG when the clock of this machine is off', async () => {
    const soon = new Date(Date.now() + 600_000);

    await expect(getProvisioning(forbidden(soon), 'id')).rejects.toMatchObject({ code: 'CLOCK_WRONG' });
  });

  it('is reported as FORBIDDEN when the clock is accurate', async () => {
    await expect(getProvisioning(forbidden(new Date()), 'id')).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });
});
