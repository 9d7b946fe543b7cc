import { clientOf, commandsOf } from './json-service.ts';

const command = commandsOf({ target: 'AmazonSSM', version: '1.1', times: ['LastModifiedDate'] });

export const SSMClient = clientOf({ host: 'ssm', signing: 'ssm' });
export const GetParameterCommand = command('GetParameter');
export const PutParameterCommand = command('PutParameter');
