import { CfnRegistry, CfnSchema } from 'aws-cdk-lib/aws-eventschemas';
import { Construct } from 'constructs';
import * as z from 'zod';
import {
  type EventName,
  eventDetail,
  eventRows,
  events,
  sourceOf,
} from '../../contracts/events/catalogue.ts';
import { kindOf } from '../../contracts/services.ts';

interface SchemaRegistryProps {
  registryName: string;
  /** Name of the service. */
  service: string;
}

/**
 * The schemas of a service's events in an EventBridge schema registry, for searches and code bindings. A new version in the
 * catalogue becomes a new version there. The registry is deleted when the setting is turned off, because the catalogue can
 * recreate it.
 * docs.aws.amazon.com/eventbridge/latest/userguide/eb-schema-registry.html
 */
export class SchemaRegistry extends Construct {
  constructor(scope: Construct, id: string, { registryName, service }: SchemaRegistryProps) {
    super(scope, id);
    const source = sourceOf(service);
    const registry = new CfnRegistry(this, 'Registry', {
      registryName,
      description: `Audit events of ${source}`,
    });
    for (const [name, row] of eventRows.filter(([, row]) => row.publisher === kindOf(service)))
      new CfnSchema(this, name, {
        registryName: registry.attrRegistryName,
        schemaName: `${source}@${name}`,
        description: row.meaning,
        type: 'JSONSchemaDraft4',
        content: JSON.stringify(draft4Of(service, name)),
      });
  }
}

/** JSON Schema of a whole event of a service, in the draft that EventBridge supports. Fields that EventBridge adds are allowed. */
export function draft4Of(service: string, name: EventName): object {
  const { meaning } = events[name];
  return {
    title: name,
    description: meaning,
    ...z.toJSONSchema(
      z.looseObject({
        source: z.literal(sourceOf(service)),
        'detail-type': z.literal(name),
        detail: eventDetail(name),
      }),
      { target: 'draft-4', io: 'output' },
    ),
  };
}
