import {
  type ControlPlane,
  type TableNamesPage,
  tableNamesPage,
} from '../catalog/control-plane.ts';
import { LIST_TABLES_PAGE_COUNT_MAX } from '../catalog/limits.ts';
import type { CreateTableRequest, UpdateTableRequest } from '../catalog/table-request.ts';
import {
  checkTagKeys,
  checkTags,
  type TagInput,
  withoutTags,
  withTags,
} from '../catalog/tag-rules.ts';
import type { TimeToLiveSpecification } from '../catalog/time-to-live-rules.ts';
import { tagFaults } from '../errors/tables.ts';
import type { TableViews } from './table-views.ts';
import type { TableWrites } from './table-writes.ts';

/** The tables of a namespace: the API's operations on them, over their Table resources. */
export class ResourceControlPlane implements ControlPlane {
  readonly #views: TableViews;
  readonly #writes: TableWrites;

  constructor(views: TableViews, writes: TableWrites) {
    this.#views = views;
    this.#writes = writes;
  }

  async createTable(request: CreateTableRequest) {
    return this.#writes.create(request);
  }

  settled(name: string, msMax: number): Promise<void> {
    return this.#writes.settled(name, msMax);
  }

  describeTable(nameOrArn: string) {
    return this.#views.describe(nameOrArn);
  }

  async updateTable(request: UpdateTableRequest) {
    return this.#writes.update(request);
  }

  async deleteTable(nameOrArn: string) {
    return this.#writes.delete(nameOrArn);
  }

  listTables(
    startName: string | undefined,
    limit: number = LIST_TABLES_PAGE_COUNT_MAX,
  ): TableNamesPage {
    return tableNamesPage(this.#views.names(), startName, limit);
  }

  updateTimeToLive(nameOrArn: string, wanted: TimeToLiveSpecification): Promise<void> {
    return this.#writes.updateTimeToLive(nameOrArn, wanted);
  }

  describeTimeToLive(nameOrArn: string) {
    return this.#views.describeTimeToLive(nameOrArn);
  }

  async tagResource(arn: string | undefined, tags: readonly TagInput[]): Promise<void> {
    const name = this.#writes.taggedName(arn);
    if (tags.length === 0) throw tagFaults.none();
    const added = checkTags(tags);
    await this.#writes.changeTags({ name, arn }, (current) => withTags(current, added));
  }

  async untagResource(arn: string | undefined, keys: readonly string[]): Promise<void> {
    const name = this.#writes.taggedName(arn);
    if (keys.length === 0) throw tagFaults.noKeys();
    checkTagKeys(keys);
    await this.#writes.changeTags({ name, arn }, (current) => withoutTags(current, keys));
  }

  tagsOfResource(arn: string | undefined) {
    return this.#views.tags(arn);
  }
}
