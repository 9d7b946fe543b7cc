/**
 * IAM conditions for events:PutEvents: only events of these sources and detail types. The `Null` condition is needed,
 * because a request without the key meets `ForAllValues`.
 * docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-conditions.html (a list of allowed sources)
 */
export const publishConditions = (source: string | readonly string[], detailTypes: readonly string[]) => ({
  'ForAllValues:StringEquals': { 'events:source': [source].flat(), 'events:detail-type': [...detailTypes] },
  Null: { 'events:source': 'false', 'events:detail-type': 'false' },
});
