import type { Catalog } from './catalog.ts';
import type { ControlPlane, TableNamesPage } from './control-plane.ts';
import type { TableDescription } from './description.ts';
import type { Tag, TimeToLiveSetting } from './descriptor.ts';
import type { CreateTableRequest, UpdateTableRequest } from './table-request.ts';
import type { TagInput } from './tag-rules.ts';
import type { TimeToLiveSpecification } from './time-to-live-rules.ts';

const DRY_RUN = { isDryRun: true } as const;

/**
 * The operations of a catalog, with the same answers and faults, of which none changes anything: a
 * description is what the change would be answered with.
 */
export class CatalogRehearsal implements ControlPlane {
  readonly #catalog: Catalog;

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
  }

  createTable(request: CreateTableRequest): Promise<TableDescription> {
    return this.#catalog.createTable(request, DRY_RUN);
  }

  /** There is nothing to wait for. */
  settled(): Promise<void> {
    return Promise.resolve();
  }

  describeTable(nameOrArn: string): TableDescription {
    return this.#catalog.describeTable(nameOrArn);
  }

  updateTable(request: UpdateTableRequest): Promise<TableDescription> {
    return this.#catalog.updateTable(request, DRY_RUN);
  }

  deleteTable(nameOrArn: string): Promise<TableDescription> {
    return this.#catalog.deleteTable(nameOrArn, DRY_RUN);
  }

  listTables(startName: string | undefined, limit?: number): TableNamesPage {
    return this.#catalog.listTables(startName, limit);
  }

  updateTimeToLive(nameOrArn: string, wanted: TimeToLiveSpecification): Promise<void> {
    return this.#catalog.updateTimeToLive(nameOrArn, wanted, DRY_RUN);
  }

  describeTimeToLive(nameOrArn: string): TimeToLiveSetting {
    return this.#catalog.describeTimeToLive(nameOrArn);
  }

  tagResource(arn: string | undefined, tags: readonly TagInput[]): Promise<void> {
    return this.#catalog.tagResource(arn, tags, DRY_RUN);
  }

  untagResource(arn: string | undefined, keys: readonly string[]): Promise<void> {
    return this.#catalog.untagResource(arn, keys, DRY_RUN);
  }

  tagsOfResource(arn: string | undefined): readonly Tag[] {
    return this.#catalog.tagsOfResource(arn);
  }
}
