/**
 * The form of dataset.yaml as a strict schema: every field, and which values it may have on its own.
 * What holds between fields is in dataset-file.ts and column.ts; docs/manifests.md is the manual.
 */
import * as z from 'zod';

import { type ColumnType, HE_PROFILES } from './dataset.ts';

/** Longest name, in UTF-8 bytes, as PostgreSQL limits identifiers. */
const NAME_BYTES_MAX = 63;
/** Characters that make two names look alike or break a line: controls, formats, separators, surrogates. */
const NOT_IN_NAMES = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;
/** Most decimals of decimal(n). */
const SCALE_MAX = 18;

/** How a key-encryption key may be called: what every key service takes as a name. */
const KEY_NAME = /^[a-z0-9][a-z0-9_-]{0,63}$/;

const PLAIN_TYPES = ['integer', 'number', 'string', 'boolean', 'date', 'timestamp'] as const;

function isName(text: string): boolean {
  if (text === '' || text.trim() !== text || NOT_IN_NAMES.test(text)) return false;
  return Buffer.byteLength(text) <= NAME_BYTES_MAX;
}

function isTimeZone(text: string): boolean {
  // Intl also takes offsets such as +08:00, which the engines do not take as names.
  if (!/^[A-Za-z]/.test(text)) return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

function isHttps(text: string): boolean {
  return URL.canParse(text) && new URL(text).protocol === 'https:';
}

/** The type that a text names, or null. */
export function parseColumnType(text: string): ColumnType | null {
  const plain = PLAIN_TYPES.find((kind) => kind === text);
  if (plain) return { kind: plain };
  const scale = Number(/^decimal\((0|[1-9]\d?)\)$/.exec(text)?.[1] ?? NaN);
  return scale <= SCALE_MAX ? { kind: 'decimal', scale } : null;
}

const name = z.string().refine(isName, { error: 'manifest.name' });
const text = z.string().min(1, { error: 'manifest.emptyText' });

// Numbers are judged in column.ts, so that an infinite bound is called infinite and not ill-formed.
const bound = z.custom<number | string>((value) => typeof value === 'number' || typeof value === 'string', {
  error: 'manifest.boundsPair',
});
const scalar = z.custom<number | string | boolean | null>(
  (value) => value === null || ['number', 'string', 'boolean'].includes(typeof value),
  { error: 'manifest.valueScalar' },
);

const column = z.strictObject({
  type: z.string().refine((value) => parseColumnType(value) !== null, { error: 'manifest.columnType' }),
  role: z.enum(['unit', 'key', 'value', 'hidden']).optional(),
  bounds: z.tuple([bound, bound], { error: 'manifest.boundsPair' }).optional(),
  granularity: z.number().optional(),
  values: z.array(scalar).optional(),
});

/** A column as the file states it. */
export type ColumnText = z.infer<typeof column>;

/** SHA-256 in hex, and an Ed25519 key as `x` of its JWK. */
const digest = z.string().regex(/^[0-9a-f]{64}$/, { error: 'manifest.digest' });
const publicKey = z.string().regex(/^[\w-]{43}$/, { error: 'manifest.publicKey' });

const custodian = z.strictObject({
  url: z.string().refine(isHttps, { error: 'manifest.https' }),
  ca: text,
  cert: text,
  certKey: text,
  orderKey: text,
});

const encryption = z.strictObject({
  manifest: digest,
  provider: publicKey,
  custodian: publicKey,
  keyId: text,
  profile: z.enum(HE_PROFILES),
  rowsPerUnit: z.int().min(1),
  nullable: z.array(name).optional(),
});

export const datasetSchema = z.strictObject({
  kind: z.literal('Dataset'),
  name,
  title: z.strictObject({ en: text, zh: text }).optional(),
  source: z.strictObject({
    type: z.enum(['parquet', 'csv', 'encrypted']),
    path: text,
    sealed: z.strictObject({ key: z.string().regex(KEY_NAME, { error: 'manifest.keyName' }) }).optional(),
    custodian: custodian.optional(),
  }),
  encryption: encryption.optional(),
  version: z.unknown().optional(),
  lineage: name.optional(),
  timeZone: z.string().refine(isTimeZone, { error: 'manifest.timeZone' }).optional(),
  privacyUnit: z.union(
    [
      z.string(),
      z.strictObject({
        column: z.string(),
        period: z.unknown().optional(),
        time: z.unknown().optional(),
      }),
    ],
    { error: 'manifest.unitForm' },
  ),
  unitDomain: name.optional(),
  population: name.optional(),
  origin: z.enum(['public', 'enterprise', 'personal', 'synthetic']).optional(),
  grade: z.enum(['general', 'business_important', 'important']).optional(),
  maxRows: z.int().min(1).optional(),
  columns: z.record(name, column),
});

/** dataset.yaml as the file states it. */
export type DatasetText = z.infer<typeof datasetSchema>;
