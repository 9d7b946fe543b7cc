import { commandsOf, ownerOf } from './json-service.ts';

const command = commandsOf({
  target: 'AWSEvents',
  version: '1.1',
  times: ['CreationTime', 'LastModifiedTime'],
});

export const EventBridgeClient = ownerOf({ host: 'events', signing: 'events' });
export const DescribeEventBusCommand = command('DescribeEventBus');
export const DescribeRuleCommand = command('DescribeRule');
export const PutEventsCommand = command('PutEvents');
