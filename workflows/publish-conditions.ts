/**
 * Conditions of a right to put events: of one source and of these types, and of nothing else. `Null`, because a request
 * without the key would meet `ForAllValues`.
 * docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-conditions.html (a list of allowed sources)
 */
export const publishConditions = (source: string | readonly string[], detailTypes: readonly string[]) => ({
  'ForAllValues:StringEquals': { 'events:source': [source].flat(), 'events:detail-type': [...detailTypes] },
  Null: { 'events:source': 'false', 'events:detail-type': 'false' },
});
