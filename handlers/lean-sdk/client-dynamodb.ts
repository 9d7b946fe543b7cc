import { commandsOf, ownerOf } from './json-service.ts';

const command = commandsOf({ target: 'DynamoDB_20120810', version: '1.0', bytes: ['B'] });

export const DynamoDBClient = ownerOf({ host: 'dynamodb', signing: 'dynamodb' });
export const BatchGetItemCommand = command('BatchGetItem');
export const DeleteItemCommand = command('DeleteItem');
export const GetItemCommand = command('GetItem');
export const PutItemCommand = command('PutItem');
export const UpdateItemCommand = command('UpdateItem');
