/**
 * The signed manifest of an encrypted dataset: what everybody may know of it, and the digest of everything in it.
 *
 * Guarantee: `openManifest` accepts a text of one spelling, signed by one of the given keys, whose parts agree with one
 * another: profile and modulus, bounds and middle, groups and declared values, one digest for every ciphertext that
 * the groups say there is. A ciphertext, key or block that is not the provider's therefore has another digest.
 * Not covered: whether rows were bounded as it says: that is the provider's word, signed here.
 *
 * Grid integers and the modulus are decimal texts, counts are safe integers, like in all evidence.
 */
import { z } from 'zod';

import { type Digest, digestOf } from '../canonical.ts';
import type { PublicJwk, SigningKey } from '../ed25519-key.ts';
import { signCompact, verifyCompact } from '../signing.ts';
import { HeError } from './he-error.ts';
import { PROFILE_NAMES, largestMagnitude, profileOf } from './profiles.ts';

const MANIFEST_TYPE = 'unseen-encrypted-dataset+jwt';
/** A version of this schema; a reader refuses versions that it does not know. */
const VERSION = '1';
/** So many ciphertexts at most: so many digests fit into a signed text (signing.ts). At 8,192 slots: 80 million values in all columns. */
export const CIPHERTEXTS_MAX = 10_000;
/** Characters of a field path that may be shown to a person: the path may come from a forged manifest. */
const FIELD = /^[A-Za-z0-9_.$]{1,120}$/;

/** The part that is 1 in the slot of a row and 0 in padding. */
export const ROWS_PART = '$rows';
const PRESENT = '$present';

const integer = z.string().regex(/^(?:0|-?[1-9]\d{0,37})$/);
const decimal = z
  .string()
  .max(400)
  .regex(/^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:e[+-]?\d{1,4})?$/);
const digest = z.templateLiteral([z.literal('sha256:'), z.string().regex(/^[0-9a-f]{64}$/)]);
const id = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}$/);
const count = z.int().min(1);
/** A name that people gave: any script, no control or format characters. */
const name = z.string().regex(/^[^\p{C}\p{Zl}\p{Zp}]{1,256}$/u);
/** The name of an encrypted column, which is the name of a file as well: letters, marks, digits, `_`, `-`, inner dots. */
const columnName = z.string().regex(/^[\p{L}\p{N}_][\p{L}\p{M}\p{N}_.-]{0,63}$/u);
const clearValue = z.union([z.string().max(1_000), z.boolean(), z.int(), z.null()]);

const clearColumn = z.strictObject({ name, values: z.array(clearValue).min(1).max(10_000) });

const encryptedColumn = z.strictObject({
  name: columnName,
  /** Bounds that values were clamped to, and the step of their grid. */
  low: decimal,
  high: decimal,
  granularity: decimal,
  /** The bounds in grid integers, and what is subtracted from a grid integer before it is encrypted. */
  lowGrid: integer,
  highGrid: integer,
  mid: integer,
  /** Whether a row may have no value: then there is a part that says which ones have. */
  nullable: z.boolean(),
});

const description = {
  name,
  profile: z.enum(PROFILE_NAMES),
  plainModulus: integer,
  keyId: id,
  publicKeyDigest: digest,
  relinKeysDigest: digest,
  /** R: at most so many rows of one unit are in the dataset; and at most so many rows in all. */
  bounding: z.strictObject({ rowsPerUnit: count, maxRows: count }),
  /** Columns that are not encrypted: the platform sees them, with the number of blocks of each combination. */
  disclosedToPlatform: z.array(clearColumn).max(32),
  columns: z.array(encryptedColumn).min(1).max(256),
  createdAt: z.iso.datetime({ offset: true }),
};

const manifestSchema = z.strictObject({
  version: z.literal(VERSION),
  ...description,
  /** Each combination of clear values that occurs, with its number of blocks; every block holds rows of one group. */
  groups: z.array(z.strictObject({ values: z.array(clearValue), blocks: count })),
  /** For each part, in order of `partsOf`, the SHA-256 (hex) of each ciphertext, blocks of all groups in a row. */
  parts: z.array(z.strictObject({ name: z.string(), digests: z.array(z.string().regex(/^[0-9a-f]{64}$/)) })),
});
const descriptionSchema = z.strictObject(description);

/** A value of a clear column. */
export type ClearValue = z.infer<typeof clearValue>;
export type ManifestColumn = z.infer<typeof encryptedColumn>;
export type DatasetManifest = z.infer<typeof manifestSchema>;
/** All of a manifest but what comes out of encrypting. */
export type DatasetDescription = z.infer<typeof descriptionSchema>;

/** A manifest whose form, signature and digests of itself hold. */
export interface OpenedManifest {
  readonly manifest: DatasetManifest;
  /** Digest of the canonical payload: what orders and plans name. */
  readonly digest: Digest;
  /** Thumbprint of the provider's key. */
  readonly signer: string;
}

/** What there is a ciphertext of in each block: rows, each column, and presences of nullable ones. Names of files. */
export function partsOf({ columns }: Pick<DatasetManifest, 'columns'>): readonly string[] {
  const ofColumns = columns.flatMap(({ name, nullable }) => [
    name,
    ...(nullable ? [presencePart(name)] : []),
  ]);
  return [ROWS_PART, ...ofColumns];
}

/** The part that is 1 where a row has a value of a nullable column. */
export function presencePart(column: string): string {
  return `${column}${PRESENT}`;
}

/** The block numbers of each group: `from` up to, and not with, `to`. */
export function groupRanges({
  groups,
}: Pick<DatasetManifest, 'groups'>): readonly { from: number; to: number }[] {
  let from = 0;
  return groups.map(({ blocks }) => {
    const range = { from, to: from + blocks };
    from = range.to;
    return range;
  });
}

/** HeError MANIFEST_SCHEMA or MANIFEST_INCONSISTENT with the field, or PROFILE_UNKNOWN. */
export function parseDescription(value: unknown): DatasetDescription {
  const parsed = read(descriptionSchema, value);
  checkDescription(parsed);
  return parsed;
}

/** A manifest as a signed text. HeError like `parseManifest`; ROWS_TOO_MANY when its digests do not fit. */
export async function signManifest(
  manifest: Omit<DatasetManifest, 'version'>,
  key: SigningKey,
): Promise<string> {
  return signCompact(parseManifest({ version: VERSION, ...manifest }), key, { typ: MANIFEST_TYPE });
}

/**
 * Opens a signed text. EvidenceError for whatever is wrong with the signature or the spelling; HeError
 * MANIFEST_SCHEMA or MANIFEST_INCONSISTENT, with the field, for what it says.
 */
export async function openManifest(jws: string, keys: readonly PublicJwk[]): Promise<OpenedManifest> {
  const { payload, kid } = await verifyCompact(jws, { typ: MANIFEST_TYPE, keys, acceptEmbedded: false });
  return { manifest: parseManifest(payload), digest: digestOf(payload), signer: kid };
}

function parseManifest(value: unknown): DatasetManifest {
  const { version, groups, parts, ...described } = read(manifestSchema, value);
  checkDescription(described);
  checkGroups(described, groups);
  const names = partsOf(described);
  demand(parts.length === names.length && parts.every((part, at) => part.name === names[at]), 'parts');
  const blocks = groups.reduce((sum, group) => sum + group.blocks, 0);
  demand(
    parts.every(({ digests }) => digests.length === blocks),
    'parts',
  );
  if (blocks * names.length > CIPHERTEXTS_MAX) throw new HeError('ROWS_TOO_MANY');
  return { version, ...described, groups, parts };
}

function read<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const field = parsed.error.issues[0]?.path.join('.') ?? '';
  throw new HeError('MANIFEST_SCHEMA', FIELD.test(field) ? field : 'manifest');
}

function checkDescription({ profile: named, plainModulus, columns, ...others }: DatasetDescription): void {
  const profile = profileOf(named);
  demand(BigInt(plainModulus) === profile.plainModulus, 'plainModulus');
  for (const [at, { lowGrid, highGrid, mid }] of columns.entries()) {
    const [low, high, middle] = [BigInt(lowGrid), BigInt(highGrid), BigInt(mid)];
    demand(low <= middle && middle <= high, `columns.${at}.mid`);
    // Else one value could already wrap around.
    const reach = high - middle > middle - low ? high - middle : middle - low;
    demand(reach <= largestMagnitude(profile), `columns.${at}.highGrid`);
  }
  const clear = others.disclosedToPlatform;
  const names = [...columns, ...clear].map(({ name }) => name.normalize('NFC').toLowerCase());
  demand(new Set(names).size === names.length, 'columns');
  for (const [at, { values }] of clear.entries()) {
    demand(new Set(values).size === values.length, `disclosedToPlatform.${at}.values`);
  }
}

function checkGroups(described: DatasetDescription, groups: DatasetManifest['groups']): void {
  const seen = new Set<string>();
  for (const [at, { values }] of groups.entries()) {
    demand(isDeclared(described, values), `groups.${at}.values`);
    seen.add(JSON.stringify(values));
  }
  demand(seen.size === groups.length, 'groups');
}

/** Whether a combination of clear values is one of those that the columns declare. */
export function isDeclared(
  { disclosedToPlatform }: DatasetDescription,
  values: readonly ClearValue[],
): boolean {
  return (
    values.length === disclosedToPlatform.length &&
    disclosedToPlatform.every((column, at) => column.values.includes(values[at]!))
  );
}

function demand(condition: boolean, field: string): void {
  if (!condition) throw new HeError('MANIFEST_INCONSISTENT', field);
}
