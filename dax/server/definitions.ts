import { malformedFaults } from '../protocol/faults.ts';
import {
  defineAttributeListIdReply,
  defineAttributeListReply,
  defineKeySchemaReply,
} from '../protocol/replies.ts';
import type {
  DefineAttributeListIdRequest,
  DefineAttributeListRequest,
  DefineKeySchemaRequest,
} from '../protocol/requests.ts';
import type { Eventually } from '../tables/eventually.ts';
import { andThen } from '../tables/eventually.ts';
import type { DoorLists, DoorTables } from './door-tables.ts';
import { tableNamed } from './table-lookup.ts';

/** What clients ask once and remember: key schemas, attribute lists (sections 6.1 and 7). */
export class Definitions {
  readonly #tables: DoorTables;
  readonly #lists: DoorLists;

  constructor(tables: DoorTables, lists: DoorLists) {
    this.#tables = tables;
    this.#lists = lists;
  }

  /** @throws ClientFault ResourceNotFoundException */
  keySchema({ table }: DefineKeySchemaRequest): Eventually<Buffer> {
    return andThen(tableNamed(this.#tables, table), ({ key }) => defineKeySchemaReply(key));
  }

  /** @throws ClientFault ValidationException, LimitExceededException; RegistryError */
  attributeListId({ names }: DefineAttributeListIdRequest): Eventually<Buffer> {
    return andThen(this.#lists.idOf(names), defineAttributeListIdReply);
  }

  /** @throws ClientFault ValidationException; RegistryError */
  attributeList({ id }: DefineAttributeListRequest): Eventually<Buffer> {
    return andThen(this.#lists.namesOf(id), (names) => {
      if (names === undefined) throw malformedFaults.listId(id);
      return defineAttributeListReply(names);
    });
  }
}
