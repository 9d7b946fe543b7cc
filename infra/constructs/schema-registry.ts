import { CfnRegistry, CfnSchema } from 'aws-cdk-lib/aws-eventschemas';
import { Construct } from 'constructs';
import * as z from 'zod';
import {
  type EventName,
  type EventSource,
  eventDetail,
  eventRows,
  events,
} from '../../contracts/events/catalogue.ts';

interface SchemaRegistryProps {
  registryName: string;
  source: EventSource;
}

/**
 * The schemas of a service's events in an EventBridge schema registry, for searches and code bindings. A new version in the
 * catalogue becomes a new version there. The registry is deleted when the setting is turned off, because the catalogue can
 * recreate it.
 * docs.aws.amazon.com/eventbridge/latest/userguide/eb-schema-registry.html
 */
export class SchemaRegistry extends Construct {
  constructor(scope: Construct, id: string, { registryName, source }: SchemaRegistryProps) {
    super(scope, id);
    const registry = new CfnRegistry(this, 'Registry', {
      registryName,
      description: `Audit events of ${source}`,
    });
    for (const [name, row] of eventRows.filter(([, row]) => row.source === source))
      new CfnSchema(this, name, {
        registryName: registry.attrRegistryName,
        schemaName: `${source}@${name}`,
        description: row.meaning,
        type: 'JSONSchemaDraft4',
        content: JSON.stringify(draft4Of(name)),
      });
  }
}

/** JSON Schema of a whole event, in the draft that EventBridge supports. Fields that EventBridge adds are allowed. */
export function draft4Of(name: EventName): object {
  const { source, meaning } = events[name];
  return {
    title: name,
    description: meaning,
    ...z.toJSONSchema(
      z.looseObject({
        source: z.literal(source),
        'detail-type': z.literal(name),
        detail: eventDetail(name),
      }),
      { target: 'draft-4', io: 'output' },
    ),
  };
}
