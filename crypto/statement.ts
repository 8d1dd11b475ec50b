/**
 * The signature of a statement: its type, and whether an exported statement holds, from the file and public keys alone.
 *
 * Guarantee: a statement that verifies was signed by one of the keys, and has exactly the lines that its root covers, in
 * their order.
 * Not covered: whether the amounts are right, and whose keys they are. Get the keys on another way than the file.
 */
import { toHex } from './bytes.ts';
import { canonicalJson, sha256Hex } from './canonical.ts';
import type { EvidenceJwk } from './evidence-key.ts';
import { EvidenceError } from './evidence.ts';
import { leafHash, rootOf } from './log/merkle.ts';
import { verifyCompact } from './signing.ts';

export const STATEMENT_TYP = 'unseen-statement+jwt';

/** An exported statement. */
export interface StatementFile {
  /** JWS. */
  readonly signed: string;
  /** The lines as canonical JSON, in order. */
  readonly lines: readonly string[];
}

export type StatementVerdict =
  | { readonly valid: true; readonly kid: string; readonly head: SignedHead }
  | { readonly valid: false; readonly reason: string };

/** What of a head is checked; it says more. */
export interface SignedHead {
  readonly number: string;
  readonly issuer: string;
  readonly buyer: string;
  readonly period: string;
  readonly totalFen: string;
  readonly lines: string;
  readonly linesRoot: string;
  readonly [name: string]: unknown;
}

/** Checks an exported statement: signature, digest of the head, number of lines, root, and the sum. Never throws. */
export async function verifyStatement(
  { signed, lines }: StatementFile,
  keys: readonly EvidenceJwk[],
): Promise<StatementVerdict> {
  try {
    const trust = { typ: STATEMENT_TYP, keys, acceptEmbedded: false };
    const { payload, kid } = await verifyCompact(signed, trust);
    const head = payload['head'] as SignedHead;
    const fault = faultOf(head, String(payload['digest']), lines);
    return fault === null ? { valid: true, kid, head } : { valid: false, reason: fault };
  } catch (error) {
    if (error instanceof EvidenceError) return { valid: false, reason: error.code };
    return { valid: false, reason: 'LINES_MALFORMED' };
  }
}

function faultOf(head: SignedHead, digest: string, lines: readonly string[]): string | null {
  if (digest !== `sha256:${sha256Hex(canonicalJson(head))}`) return 'DIGEST_WRONG';
  if (head.lines !== String(lines.length)) return 'LINES_MISSING';
  const encoder = new TextEncoder();
  if (toHex(rootOf(lines.map((line) => leafHash(encoder.encode(line))))) !== head.linesRoot)
    return 'ROOT_WRONG';
  const sum = lines.reduce(
    (total, line) => total + BigInt((JSON.parse(line) as { readonly amountFen: string }).amountFen),
    0n,
  );
  return String(sum) === head.totalFen ? null : 'TOTAL_WRONG';
}
