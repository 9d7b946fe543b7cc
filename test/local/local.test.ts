import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { main } from '../../local/local.ts';
import { localOutputs } from '../support/outputs.ts';

const ONE = 'arn:aws:states:us-east-1:123456789012:execution:CreateServiceUser:one';
const OTHER = 'arn:aws:states:us-east-1:123456789012:execution:CreateServiceUser:other';

let output = '';
let directory: string;
let server: Server;
let requests: { url: string | undefined; body: unknown }[];
let reply: { status: number; body: unknown };

beforeEach(async () => {
  output = '';
  requests = [];
  reply = { status: 200, body: {} };
  for (const stream of [process.stdout, process.stderr])
    jest.spyOn(stream, 'write').mockImplementation((text) => {
      output += String(text);
      return true;
    });
  server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    request.on('end', () => {
      requests.push({ url: request.url, body: JSON.parse(body) });
      response.writeHead(reply.status).end(JSON.stringify(reply.body));
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  directory = mkdtempSync(join(tmpdir(), 'local-'));
  process.env['LOCAL_AWS_DIR'] = directory;
  writeFileSync(
    join(directory, 'outputs.json'),
    JSON.stringify(localOutputs({ endpoint: `http://127.0.0.1:${address.port}` })),
  );
});

afterEach(async () => {
  jest.restoreAllMocks();
  delete process.env['LOCAL_AWS_DIR'];
  rmSync(directory, { recursive: true, force: true });
  await new Promise<void>((resolve) => void server.close(() => resolve()));
});

describe('npm run local -- forget-execution', () => {
  it('deletes the records of the running local AWS, and prints which', async () => {
    expect(await main(['forget-execution', ONE, OTHER])).toBe(0);
    expect(requests).toEqual([
      { url: '/_local_aws/forget-execution', body: { executionArns: [ONE, OTHER] } },
    ]);
    expect(output).toBe(`Deleted the record of ${ONE}.\nDeleted the record of ${OTHER}.\n`);
  });

  it('reports the reasons and remedies if records are not deleted', async () => {
    reply = { status: 409, body: { running: [ONE], unknown: [OTHER] } };

    await expect(main(['forget-execution', ONE, OTHER])).rejects.toMatchObject({
      name: 'CommandError',
      message:
        'No record was deleted.\n' +
        `${ONE} is running; AWS deletes a record 90 days after the execution has finished.\n` +
        `There is no execution ${OTHER}.`,
      remedy: expect.stringMatching(/^Wait until it has finished, or stop it\. The ARN of an execution is /),
    });
    expect(output).toBe('');
  });

  it('reports an unknown response', async () => {
    reply = { status: 500, body: 'oh' };

    await expect(main(['forget-execution', ONE])).rejects.toThrow('forget-execution: HTTP 500: "oh"');
  });

  it('reports that the local AWS does not respond', async () => {
    await new Promise<void>((resolve) => void server.close(() => resolve()));

    await expect(main(['forget-execution', ONE])).rejects.toMatchObject({
      name: 'CommandError',
      message: expect.stringMatching(
        /^The local AWS does not respond at http:.*, so no record was deleted\.$/,
      ),
    });
  });

  it('reports that no local AWS is deployed', async () => {
    rmSync(join(directory, 'outputs.json'));

    await expect(main(['forget-execution', ONE])).rejects.toMatchObject({
      message: expect.stringContaining('There is no deployed local AWS'),
      remedy: 'Run `npm run up` first.',
    });
  });

  it.each([
    [['forget-execution'], "missing required argument 'arn'"],
    [['forget-execution', '--all'], "unknown option '--all'"],
    [['forget'], "unknown command 'forget'"],
    [[], 'Usage: npm run local -- '],
  ])('sends no request for an invalid command: %j', async (args, why) => {
    expect(await main(args)).toBe(2);
    expect(output).toContain(why);
    expect(requests).toEqual([]);
  });

  it.each([
    [['--help'], 'forget-execution'],
    [['forget-execution', '--help'], 'as AWS does after 90 days'],
  ])('prints help: %j', async (args, what) => {
    expect(await main(args)).toBe(0);
    expect(output.replace(/\s+/g, ' ')).toContain(what);
  });
});
