/**
 * Reads dataset.yaml: text into a `Dataset` with its defaults, or CONFIG naming file, field and rule.
 *
 * Guarantee: every field of the file is honoured or refused by name; paths are absolute, relative ones taken from
 * the manifest's folder; exactly the column that `privacyUnit` names has role unit.
 * Not covered: whether the source exists and has these columns (the reader), and whether another lineage holds
 * the same source (registration).
 */
import { columnOf } from './column.ts';
import { type DatasetText, datasetSchema } from './dataset-schema.ts';
import type { Column, Dataset } from './dataset.ts';
import { encryptionOf, sourceOf } from './encryption.ts';
import { faultOf } from './fault.ts';
import { parseManifestText, readManifestText } from './manifest-text.ts';
import { isPopulationLedger } from './population.ts';
import { checkAgainst } from './schema-check.ts';
import { UNHONOURED_IN_DATASET, refuseUnhonoured } from './unhonoured.ts';

/** Ceiling of rows where a file may leave it out: in the lab. */
export const LAB_MAX_ROWS = 2 ** 24;

export interface DatasetOptions {
  /** Registration: `maxRows` is the provider's declaration and has no default. */
  readonly requireMaxRows?: boolean;
}

/** Reads and parses a dataset manifest. CONFIG. */
export function readDataset(path: string, options: DatasetOptions = {}): Dataset {
  return parseDataset(readManifestText(path), { ...options, path });
}

/** Parses the text of a dataset manifest; `path` names it in messages and is where relative paths start. CONFIG. */
export function parseDataset(text: string, options: DatasetOptions & { readonly path: string }): Dataset {
  const { path: file } = options;
  const value = parseManifestText(text, file);
  refuseUnhonoured(value, UNHONOURED_IN_DATASET, file);
  const stated = checkAgainst(datasetSchema, value, file);
  if (options.requireMaxRows && stated.maxRows === undefined) {
    throw faultOf(file, ['maxRows'], 'manifest.missing');
  }
  const lineage = stated.lineage ?? stated.name;
  if (isPopulationLedger(lineage)) {
    throw faultOf(file, [stated.lineage === undefined ? 'name' : 'lineage'], 'manifest.populationName');
  }
  const privacyUnit = unitOf(stated);
  const columns = columnsOf(stated, privacyUnit, file);
  const encryption = encryptionOf(stated, columns, file);
  return {
    kind: 'Dataset',
    name: stated.name,
    title: stated.title ?? null,
    source: sourceOf(stated, file),
    ...(encryption !== null && { encryption }),
    lineage,
    timeZone: stated.timeZone ?? 'Asia/Shanghai',
    privacyUnit,
    unitDomain: stated.unitDomain ?? lineage,
    population: stated.population ?? null,
    origin: stated.origin ?? 'enterprise',
    grade: stated.grade ?? 'general',
    maxRows: stated.maxRows ?? LAB_MAX_ROWS,
    columns,
  };
}

function unitOf({ privacyUnit, source }: DatasetText): Dataset['privacyUnit'] {
  if (source.type === 'encrypted') return { kind: 'encrypted' };
  if (privacyUnit === 'row') return { kind: 'row' };
  return { kind: 'column', column: typeof privacyUnit === 'string' ? privacyUnit : privacyUnit.column };
}

function columnsOf(
  stated: DatasetText,
  privacyUnit: Dataset['privacyUnit'],
  file: string,
): readonly Column[] {
  const unit = privacyUnit.kind === 'column' ? privacyUnit.column : null;
  const entries = Object.entries(stated.columns);
  if (entries.length === 0) throw faultOf(file, ['columns'], 'manifest.columnsEmpty');
  if (unit !== null && !Object.hasOwn(stated.columns, unit)) {
    throw faultOf(file, ['privacyUnit'], 'manifest.unitUndeclared', { column: unit.slice(0, 63) });
  }
  // DuckDB takes identifiers without regard to case; two such columns would be one to it.
  const seen = new Set<string>();
  for (const [name] of entries) {
    if (seen.has(name.toLowerCase())) throw faultOf(file, ['columns', name], 'manifest.columnsCase');
    seen.add(name.toLowerCase());
  }
  return entries.map(([name, text]) => columnOf({ name, text, isUnit: name === unit }, file));
}
