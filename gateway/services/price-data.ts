/** Which data a price is for: the datasets behind a dataset’s or a product’s rate card, and from whom they come. */
import type { DatasetOrigin } from '#sandbox/manifest/dataset.ts';
import { parseSelect } from '#sandbox/query/parse.ts';
import type { Product } from '../billing/product.ts';
import type { RateCard } from '../billing/rate-card.ts';
import type { Tx } from '../storage/database.ts';
import { findDataset } from '../storage/dataset-list.ts';
import { listDocuments } from '../storage/documents.ts';
import { findProgram } from '../storage/program-store.ts';

/** The origins of the data that a card prices, each once; none where data or product is not known or not approved. */
export async function originsOf(tx: Tx, applies: RateCard['applies']): Promise<readonly DatasetOrigin[]> {
  const names = 'dataset' in applies ? [applies.dataset] : await datasetsBehind(tx, applies.product);
  const origins = new Set<DatasetOrigin>();
  for (const name of names) {
    const dataset = await findDataset(tx, name);
    if (dataset !== null) origins.add(dataset.manifest.origin);
  }
  return [...origins];
}

/** Over all approved wordings: what a product has read, a later wording may read again. */
export async function datasetsBehind(tx: Tx, product: string): Promise<readonly string[]> {
  const wordings = (await listDocuments(tx, 'Product')).filter(
    ({ id, approvedAt, withdrawnAt }) => id === product && approvedAt !== null && withdrawnAt === null,
  );
  const names = new Set<string>();
  for (const { body } of wordings) for (const name of await datasetsOf(tx, body as Product)) names.add(name);
  return [...names];
}

/** The datasets that a product asks. */
export async function datasetsOf(tx: Tx, { dataset, sql, program }: Product): Promise<readonly string[]> {
  if (dataset !== undefined) return [dataset];
  if (program !== undefined) return (await findProgram(tx, program.digest))?.datasets ?? [];
  // Where a literal will stand, any literal parses.
  return sql === undefined
    ? []
    : relationsIn(parseSelect(sql.template.replaceAll(/\{\{[^}]*\}\}/g, 'NULL')).tree);
}

/** Every relation that a statement names; a name of its own WITH is none that is registered, or counts as one. */
function relationsIn(node: unknown): readonly string[] {
  if (Array.isArray(node)) return node.flatMap(relationsIn);
  if (typeof node !== 'object' || node === null) return [];
  return Object.entries(node).flatMap(([field, value]: [string, unknown]) => [
    ...(field === 'RangeVar' ? [String((value as { relname?: unknown }).relname)] : []),
    ...relationsIn(value),
  ]);
}
