/**
 * What a dataset's manifest says in public: the part that the gateway may hold and a buyer may see.
 *
 * Guarantee: no source, path or hidden column. Fields are copied one by one, so that a field added to `Dataset`
 * stays private until it is added here.
 */
import type { Dataset } from './dataset.ts';

/** A dataset without its source and without hidden columns. */
export type PublicDataset = Omit<Dataset, 'source'>;

/** The public part of a dataset's manifest. */
export function datasetPublicView(dataset: Dataset): PublicDataset {
  return {
    kind: dataset.kind,
    ...(dataset.encryption !== undefined && { encryption: dataset.encryption }),
    name: dataset.name,
    title: dataset.title,
    lineage: dataset.lineage,
    timeZone: dataset.timeZone,
    privacyUnit: dataset.privacyUnit,
    unitDomain: dataset.unitDomain,
    population: dataset.population,
    origin: dataset.origin,
    grade: dataset.grade,
    maxRows: dataset.maxRows,
    columns: dataset.columns.filter((column) => column.role !== 'hidden'),
  };
}
