import { commandsOf, ownerOf } from './json-service.ts';

const command = commandsOf({
  target: 'AWSStepFunctions',
  version: '1.0',
  times: ['startDate', 'stopDate', 'redriveDate', 'timestamp'],
});

export const SFNClient = ownerOf({ host: 'states', signing: 'states' });
export const DescribeExecutionCommand = command('DescribeExecution');
export const GetExecutionHistoryCommand = command('GetExecutionHistory');
export const ListExecutionsCommand = command('ListExecutions');
export const SendTaskFailureCommand = command('SendTaskFailure');
export const SendTaskSuccessCommand = command('SendTaskSuccess');
export const StartExecutionCommand = command('StartExecution');
export const StopExecutionCommand = command('StopExecution');
