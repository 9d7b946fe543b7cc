import { Logger } from '@aws-lambda-powertools/logger';

/**
 * The one logger. It never gets an event, a body, a token or an SDK error as a whole: only names and ids.
 * docs.aws.amazon.com/powertools/typescript/latest/features/logger/
 */
export const logger = new Logger({ serviceName: process.env['SERVICE_NAME'] ?? 'unknown' });
