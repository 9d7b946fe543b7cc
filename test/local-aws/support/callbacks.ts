import { SendTaskFailureCommand, SendTaskSuccessCommand, SFNClient } from '@aws-sdk/client-sfn';
import { client } from './clients.ts';
import { eventually } from './eventually.ts';
import { createFunction } from './functions.ts';
import { invocationLogs } from './logs.ts';

const sfn = client(SFNClient);

/** Creates a function that logs its task token and the `item` of its payload, and then runs the given code. */
export const tokenReceiver = (code = ''): Promise<string> =>
  createFunction(
    `exports.handler = async ({ token, item }) => { console.log('token=' + token + ' item=' + item); ${code} };`,
  );

/** A state that passes its token and its input to the function, and waits for the callback. */
export const waitForCallback = (FunctionName: string, fields: object = {}): object => ({
  Type: 'Task',
  Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
  Arguments: {
    FunctionName,
    Payload: { token: '{% $states.context.Task.Token %}', item: '{% $string($states.input) %}' },
  },
  End: true,
  ...fields,
});

/** The tokens that the function received, by item; waits until it has received the given number. */
export const tokensOf = (functionArn: string, count: number): Promise<Record<string, string>> =>
  eventually(async () => {
    const text = JSON.stringify(await invocationLogs(functionArn));
    const tokens = [...text.matchAll(/token=([\w-]+) item=([^"\\]*)/g)];
    if (tokens.length < count) throw new Error(`There are ${tokens.length} tokens.`);
    return Object.fromEntries(tokens.map(([, token = '', item = '']) => [item, token]));
  });

export const sendSuccess = (taskToken: string, output: unknown = {}) =>
  sfn.send(new SendTaskSuccessCommand({ taskToken, output: JSON.stringify(output) }));

export const sendFailure = (taskToken: string, error: string, cause: string) =>
  sfn.send(new SendTaskFailureCommand({ taskToken, error, cause }));
