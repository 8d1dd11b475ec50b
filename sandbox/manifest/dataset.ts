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
  readonly sealed?: { readonly key: string } | undefined;
}

/** Where the ciphertexts are, and how the custodian of their key is reached. All the operator's side alone knows. */
export interface EncryptedSource {
  readonly type: 'encrypted';
  /** The directory that `unseen encrypt` made; absolute once loaded, as are all paths here. */
  readonly path: string;
  readonly custodian: CustodianAddress;
  readonly sealed?: undefined;
}

/** How a runner reaches a custodian: HTTPS with certificates on both sides. */
export interface CustodianAddress {
  readonly url: string;
  /** Files in PEM: who may speak as the custodian, and who the runner is. */
  readonly ca: string;
  readonly cert: string;
  readonly certKey: string;
  /** File of the private JWK that signs orders. */
  readonly orderKey: string;
}

/** What was fixed when the data were encrypted, as the provider signed it. Public. */
export interface Encryption {
  /** SHA-256 (hex) of manifest.jws, in which all of this is signed. */
  readonly manifestDigest: string;
  /** Public Ed25519 keys (`x` of a JWK): whose the signed manifest is, and who attests noise. */
  readonly provider: string;
  readonly custodian: string;
  /** The key that the values are encrypted under, by id, and its parameters, by name. */
  readonly keyId: string;
  readonly profile: HeProfile;
  /** R: rows of one unit in the whole dataset, at most. The bound is the provider's word. */
  readonly rowsPerUnit: number;
  /** Encrypted columns in which values may be absent. */
  readonly nullable: readonly string[];
}

export const HE_PROFILES = ['bfv-agg-8k', 'bfv-agg-16k'] as const;
export type HeProfile = (typeof HE_PROFILES)[number];

export interface Dataset {
  readonly kind: 'Dataset';
  readonly name: string;
  readonly title: { readonly en: string; readonly zh: string } | null;
  /** `path` is absolute once loaded. */
  readonly source: DatasetSource | EncryptedSource;
  /** Absent: the source is read as it is. */
  readonly encryption?: Encryption;
  readonly lineage: string;
  readonly timeZone: string;
  readonly privacyUnit:
    | { readonly kind: 'row' }
    | { readonly kind: 'column'; readonly column: string }
    /** Bounded and forgotten when the data were encrypted. */
    | { readonly kind: 'encrypted' };
  readonly unitDomain: string;
  /** Whose ledger it shares with other datasets about the same people (population.ts). */
  readonly population: string | null;
  readonly origin: DatasetOrigin;
  readonly grade: DatasetGrade;
  readonly maxRows: number;
  readonly columns: readonly Column[];
}
