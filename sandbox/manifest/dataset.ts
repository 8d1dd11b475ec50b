/** dataset.yaml as a type: a dataset's source, privacy unit, columns, clamp bounds and public key values. */
import type { Scalar } from '../expression.ts';

export type ColumnType =
  | { readonly kind: 'integer' | 'number' | 'string' | 'boolean' | 'date' | 'timestamp' }
  /** Fixed-point with n decimals. */
  | { readonly kind: 'decimal'; readonly scale: number };

export type ColumnRole = 'unit' | 'key' | 'value' | 'hidden';

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  readonly role: ColumnRole;
  /** Clamp bounds: numbers, or dates as text for date and timestamp columns. */
  readonly bounds: readonly [number, number] | readonly [string, string] | null;
  /** Step of the grid as written: 10^-k or 2^-k. */
  readonly granularity: number | null;
  /** The public values of a key, in output order; may list null. */
  readonly values: readonly Scalar[] | null;
}

export type DatasetGrade = 'general' | 'business_important' | 'important';
export type DatasetOrigin = 'public' | 'enterprise' | 'personal' | 'synthetic';

export interface DatasetSource {
  readonly type: 'parquet' | 'csv';
  readonly path: string;
  /** The file is an envelope (crypto/at-rest) under this key-encryption key. */
  readonly sealed?: { readonly key: string };
}

export interface Dataset {
  readonly kind: 'Dataset';
  readonly name: string;
  readonly title: { readonly en: string; readonly zh: string } | null;
  /** `path` is absolute once loaded. */
  readonly source: DatasetSource;
  readonly lineage: string;
  readonly timeZone: string;
  readonly privacyUnit: { readonly kind: 'row' } | { readonly kind: 'column'; readonly column: string };
  readonly unitDomain: string;
  /** Whose ledger it shares with other datasets about the same people (population.ts). */
  readonly population: string | null;
  readonly origin: DatasetOrigin;
  readonly grade: DatasetGrade;
  readonly maxRows: number;
  readonly columns: readonly Column[];
}
