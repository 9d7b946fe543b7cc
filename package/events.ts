/**
 * The audit events, for the functions and tests of a subscriber: schemas, types, event patterns and contract tests. It
 * imports only zod, so that a function can bundle it; the construct that subscribes is in constructs.ts.
 */
export {
  assertedFields,
  type EventName,
  eventSource,
  events,
  serviceOf,
  sourceOf,
} from '../contracts/events/catalogue.ts';
export {
  checkAgainstCatalogue,
  checkAgainstProduced,
  checkPattern,
  type Expectation,
  type PatternExpectation,
} from '../contracts/events/contract-kit.ts';
export {
  type DataFilter,
  eventPattern,
  type HandledEvents,
  handleOnce,
  type ReceivedEvent,
  readEvent,
  UnknownEvent,
} from '../contracts/events/subscriber.ts';
