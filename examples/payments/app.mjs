import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { ServiceUsers } from 'cross-service-provisioning/constructs';

const stack = new Stack(new App(), 'Payments');
const consumer = stack.node.tryGetContext('app1_account');
const users = new ServiceUsers(stack, 'Users', { service: 'payments', consumer });
const createCharge = new LambdaFunction(stack, 'CreateCharge', {
  runtime: Runtime.NODEJS_24_X,
  handler: 'index.handler',
  code: Code.fromAsset(join(import.meta.dirname, 'charges')),
});
users.addBusinessRoute('POST', 'charges', createCharge);
