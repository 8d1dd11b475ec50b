/**
 * A provider's own copy of usage: sections of JSON lines, each under a Merkle root that the provider signs himself.
 *
 * A section is a line `{"copy":{…}}` that says what it is an extract of, one usage event (CloudEvents 1.0) to a line in
 * the order of the log, and a line `{"signature":"…"}`: a JWS over the same head, the number of events and the RFC 6962
 * root over their bytes. Each section goes on where the one before ended.
 *
 * Guarantee: whatever is changed, left out, added, put elsewhere or cut off after signing is found when the file is read.
 * Not covered: whether the operator gave the provider everything to begin with; the log and its witnesses are for that.
 */
import { toHex } from '#crypto/bytes.ts';
import type { EvidenceJwk, EvidenceKey } from '#crypto/evidence-key.ts';
import { EvidenceError } from '#crypto/evidence.ts';
import { appendLeaf, EMPTY_FRONTIER, type Frontier, rootOfFrontier } from '#crypto/log/frontier.ts';
import { leafHash } from '#crypto/log/merkle.ts';
import { signCompact, verifyCompact } from '#crypto/signing.ts';

const COPY_TYPE = 'unseen-usage-copy+jwt';
const VERSION = 1;

/** A moment in the operator's log; as storage/usage-export.ts has it. */
export interface CopyPosition {
  readonly leaf: string;
  readonly at: string;
}

/** What a section is an extract of. */
export interface CopyHead {
  /** The provider whose datasets it is about. */
  readonly organisation: string;
  /** Where the section before ended; null for the first. */
  readonly after: CopyPosition | null;
  readonly through: CopyPosition;
}

/** The root and the number of the events of a section, as they come. */
export class EventTree {
  #frontier: Frontier = EMPTY_FRONTIER;

  /** Adds an event: its line without the line feed. */
  add(line: string): void {
    this.#frontier = appendLeaf(this.#frontier, leafHash(new TextEncoder().encode(line))).frontier;
  }

  /** How many there are. */
  get count(): bigint {
    return this.#frontier.size;
  }

  /** In hex. */
  root(): string {
    return toHex(rootOfFrontier(this.#frontier));
  }
}

/** The first line of a section. */
export function headLine(head: CopyHead): string {
  return `${JSON.stringify({ copy: { version: VERSION, ...head } })}\n`;
}

/** The last line of a section. */
export async function signatureLine(head: CopyHead, tree: EventTree, key: EvidenceKey): Promise<string> {
  const payload = { version: VERSION, ...head, count: String(tree.count), root: tree.root() };
  return `${JSON.stringify({ signature: await signCompact(payload, key, { typ: COPY_TYPE, embedKey: true }) })}\n`;
}

/** The head on a first line; null for what is none, or of another version of this format. */
export function readHead(line: string): CopyHead | null {
  const { version, organisation, after, through } = (memberOf(line, 'copy') ?? {}) as Record<string, unknown>;
  if (version !== VERSION || typeof organisation !== 'string' || !isPosition(through)) return null;
  if (after !== null && !isPosition(after)) return null;
  return { organisation, after, through };
}

/** What is wrong with a signature: not one of these keys, not a signature, or not over these events. */
export type SignatureFault = 'signature' | 'key' | 'events';

/** Who signed, and whether that is a trusted key; or what is wrong. */
export async function checkSignature(
  line: string,
  section: { readonly head: CopyHead; readonly tree: EventTree },
  keys: readonly EvidenceJwk[],
): Promise<{ readonly kid: string; readonly pinned: boolean } | SignatureFault> {
  const jws = memberOf(line, 'signature');
  if (typeof jws !== 'string') return 'signature';
  const { head, tree } = section;
  try {
    // A copy brings its key along; whoever names keys takes no other.
    const trust = { typ: COPY_TYPE, keys, acceptEmbedded: keys.length === 0 };
    const { payload, kid, pinned } = await verifyCompact(jws, trust);
    const { count, root, version, ...signed } = payload;
    const isSame =
      version === VERSION &&
      count === String(tree.count) &&
      root === tree.root() &&
      JSON.stringify(ordered(signed)) === JSON.stringify(ordered({ ...head }));
    return isSame ? { kid, pinned } : 'events';
  } catch (error) {
    if (!(error instanceof EvidenceError)) throw error;
    return error.code === 'KEY_UNKNOWN' ? 'key' : 'signature';
  }
}

function ordered({ organisation, after, through }: Readonly<Record<string, unknown>>): unknown {
  const parts = (position: unknown): unknown =>
    isPosition(position) ? [position.leaf, position.at] : position;
  return [organisation, parts(after), parts(through)];
}

function isPosition(value: unknown): value is CopyPosition {
  const { leaf, at } = (value ?? {}) as Record<string, unknown>;
  return typeof leaf === 'string' && /^(-1|\d{1,18})$/.test(leaf) && typeof at === 'string';
}

/** The value of a line's only member, if it has this name. */
function memberOf(line: string, name: string): unknown {
  try {
    const value = JSON.parse(line) as Readonly<Record<string, unknown>> | null;
    const isAlone = value !== null && typeof value === 'object' && Object.keys(value).length === 1;
    return isAlone ? value[name] : undefined;
  } catch {
    return undefined;
  }
}
