/**
 * The identity of a source file: what must stay the same from registration to the last query over it.
 *
 * Guarantee: a file that was replaced, rewritten, truncated or touched since `identify` fails SOURCE_CHANGED; one that
 * is missing, unreadable or not whole fails SOURCE_UNREADABLE. A message names the path of the manifest and nothing
 * of the content. The full digest is computed once per process and identity.
 * Not covered: someone who may write the file, keep its size, end and inode and reset its clock. Only the full digest sees
 * that, and the operator who can do it owns the data.
 */
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import type { Expected } from '#crypto/at-rest/open.ts';
import { Failure } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import type { JailDemand } from '../jail/jail.ts';
import type { Dataset, DatasetSource } from '../manifest/dataset.ts';
import { footerOf, type FooterType } from './footer.ts';

/** A source as a manifest names it. */
export interface SourceFile {
  readonly type: 'parquet' | 'csv';
  readonly path: string;
  /** Present where the file is an envelope (crypto/at-rest) over a file of that type. */
  readonly sealed?: object | undefined;
}

/** What is demanded of the machine that opens a source: of a sealed one, a full jail whatever the policy says. */
export function jailFor({ sealed }: Pick<SourceFile, 'sealed'>, demand: JailDemand): JailDemand {
  return sealed === undefined ? demand : 'required';
}

/** How the file on disk ends. */
function footerTypeOf({ type, sealed }: SourceFile): FooterType {
  return sealed === undefined ? type : 'sealed';
}

/** A data key that was given out for one opening, and the envelope that it opens. The key is to be wiped. */
export interface ReleasedKey extends Expected {
  readonly dataKey: Uint8Array;
}

/** The file that a reader opens of a dataset. RangeError for one that no reader can open. */
export function fileOf({ source }: Pick<Dataset, 'source'>): DatasetSource {
  if (source.type === 'encrypted') throw new RangeError('encrypted data have no reader');
  return source;
}

/** What is compared at every job. Operator-side only: it depends on the data. */
export interface SourceIdentity {
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly inode: bigint;
  readonly device: bigint;
  /** SHA-256 (hex) of the footer, see footer.ts. */
  readonly footer: string;
}

/** Whoever can hash a source: a reader. Both are SHA-256 in hex. */
export interface Digester {
  digest(): Promise<{ readonly sha256: string; readonly footer: string }>;
}

/** The identity of a file as it is now. Fails: SOURCE_UNREADABLE. */
export async function identify(source: SourceFile): Promise<SourceIdentity> {
  try {
    return readIdentity(source);
  } catch {
    throw sourceUnreadable(source);
  }
}

/** Compares a file with what it was. Fails: SOURCE_CHANGED, SOURCE_UNREADABLE. */
export async function checkUnchanged(source: SourceFile, identity: SourceIdentity): Promise<void> {
  if (!isSameIdentity(await identify(source), identity)) throw sourceChanged(source);
}

export function isSameIdentity(a: SourceIdentity, b: SourceIdentity): boolean {
  return identityText(a) === identityText(b);
}

const digests = new Map<string, Promise<string>>();

/**
 * SHA-256 (hex) of a whole source, read once per process for each identity.
 * Fails: SOURCE_CHANGED when the file is no longer the one of `identity`, and as the digester does.
 */
export function contentDigest(
  digester: Digester,
  source: SourceFile,
  identity: SourceIdentity,
): Promise<string> {
  const name = JSON.stringify([source.type, source.path, identityText(identity)]);
  const known = digests.get(name);
  if (known !== undefined) return known;
  const computed = computeDigest(digester, source, identity);
  digests.set(name, computed);
  computed.catch(() => digests.delete(name));
  return computed;
}

async function computeDigest(
  digester: Digester,
  source: SourceFile,
  identity: SourceIdentity,
): Promise<string> {
  const { sha256, footer } = await digester.digest();
  if (footer !== identity.footer) throw sourceChanged(source);
  await checkUnchanged(source, identity);
  return sha256;
}

export function sourceUnreadable({ path, type }: SourceFile): Failure {
  return new Failure('SOURCE_UNREADABLE', say('source.unreadable', { path, type }));
}

export function sourceChanged({ path }: SourceFile): Failure {
  return new Failure('SOURCE_CHANGED', say('source.changed', { path }));
}

/** Non-blocking, so that a named pipe in the file's place is refused instead of waited for. */
function readIdentity(source: SourceFile): SourceIdentity {
  const file = openSync(source.path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(file, { bigint: true });
    if (!stats.isFile()) throw new RangeError('not a regular file');
    const { size, mtimeNs, ino, dev } = stats;
    return { size, mtimeNs, inode: ino, device: dev, footer: footerOf(file, footerTypeOf(source)) };
  } finally {
    closeSync(file);
  }
}

function identityText({ size, mtimeNs, inode, device, footer }: SourceIdentity): string {
  return [size, mtimeNs, inode, device, footer].join(' ');
}
