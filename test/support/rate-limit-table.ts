import {
  type AttributeValue,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import { type AwsClientStub, mockClient } from 'aws-sdk-client-mock';

type Item = Record<string, AttributeValue>;

/** The table of the rate limiters in memory, with the part of DynamoDB's expressions that they use. */
export interface RateLimitTable {
  mock: AwsClientStub<DynamoDBClient>;
  items: Map<string, Item>;
  /** Empties the table and the recorded calls. */
  reset(): void;
  numberOf(name: string, field: string): number | undefined;
}

export function rateLimitTable(): RateLimitTable {
  const mock = mockClient(DynamoDBClient);
  const items = new Map<string, Item>();
  const nameOf = (key: Item | undefined) => key?.['name']?.S ?? '';

  const reset = () => {
    items.clear();
    mock.reset();
    mock.on(GetItemCommand).callsFake(({ Key }) => ({ Item: items.get(nameOf(Key)) }));
    mock.on(PutItemCommand).callsFake(({ Item }) => {
      items.set(nameOf(Item), Item);
      return {};
    });
    mock.on(DeleteItemCommand).callsFake(({ Key }) => {
      const Attributes = items.get(nameOf(Key));
      items.delete(nameOf(Key));
      return { Attributes };
    });
    mock.on(UpdateItemCommand).callsFake((input: UpdateItemCommandInput) => {
      const name = nameOf(input.Key);
      const before = items.get(name);
      if (!isMet(input, before))
        throw new ConditionalCheckFailedException({
          message: 'the condition does not hold',
          $metadata: {},
          ...(before === undefined ? {} : { Item: before }),
        });
      const after = { name: { S: name }, ...updated(input, before ?? {}) };
      items.set(name, after);
      return { Attributes: after };
    });
  };
  reset();
  const numberOf = (name: string, field: string) => {
    const text = items.get(name)?.[field]?.N;
    return text === undefined ? undefined : Number(text);
  };
  return { mock, items, reset, numberOf };
}

const operand = ({ ExpressionAttributeValues: values = {} }: UpdateItemCommandInput, name: string): number =>
  Number(values[name]?.N);

function isMet(input: UpdateItemCommandInput, item: Item | undefined): boolean {
  const next = item?.['next_at']?.N;
  const at = Number(next);
  switch (input.ConditionExpression) {
    case undefined:
      return true;
    case 'attribute_not_exists(next_at) OR next_at < :now':
      return next === undefined || at < operand(input, ':now');
    case 'next_at BETWEEN :now AND :latest':
      return next !== undefined && at >= operand(input, ':now') && at <= operand(input, ':latest');
    case 'next_at > :now':
      return next !== undefined && at > operand(input, ':now');
    default:
      throw new Error(`The table in memory does not know the condition ${input.ConditionExpression}.`);
  }
}

function updated(input: UpdateItemCommandInput, before: Item): Item {
  const expression = input.UpdateExpression ?? '';
  const clauses = expression.split(/ ?\b(SET|ADD|REMOVE) /).slice(1);
  const item = { ...before };
  const named = (name: string) => input.ExpressionAttributeNames?.[name] ?? name;
  for (let n = 0; n < clauses.length; n += 2)
    for (const action of (clauses[n + 1] ?? '').split(', ')) {
      const [field = '', ...rest] = action.split(' ');
      const old = Number(item[named(field)]?.N ?? 0);
      if (clauses[n] === 'REMOVE') delete item[named(field)];
      else if (clauses[n] === 'ADD') item[named(field)] = { N: String(old + operand(input, rest[0] ?? '')) };
      else {
        const [, first = '', sign, second = ''] = rest;
        const sum = sign === '-' ? old - operand(input, second) : old + operand(input, second);
        item[field] = { N: String(first.startsWith(':') ? operand(input, first) : sum) };
      }
    }
  return item;
}
