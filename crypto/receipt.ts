/**
 * Receipts: issued as signed statements, and verified offline from the receipt, a proof and the public keys.
 *
 * Guarantee: `verifyReceipt` evaluates a fixed list of checks in order, stops at the first that does not hold and
 * names it. `valid` is true only if every check that could be made holds *and* the receipt is signed by a key
 * that the reader gave; a receipt that brings its own key along is at best `selfAsserted`.
 * Not covered: that the statement is true. A signer can sign a lie; the log only keeps him from changing it later.
 * Commitments to dataset versions are opened by the provider (commitment.ts).
 */
import { outputDigestOf } from './commitment.ts';
import { type EvidenceJwk, type EvidenceKey, profileOfKey } from './evidence-key.ts';
import { type EvidenceCode, EvidenceError } from './evidence.ts';
import { type Checkpoint, openCheckpoint, parseCheckpoint } from './log/checkpoint.ts';
import { leafHash, verifyConsistency, verifyInclusion } from './log/merkle.ts';
import { parseNote, parseVerifier } from './log/note.ts';
import { type TlogProof, parseTlogProof } from './log/tlog-proof.ts';
import { type ReceiptPayload, checkBudget, parseReceiptPayload } from './receipt-payload.ts';
import { identifySigner, signCompact, verifyCompact } from './signing.ts';

/** The `typ` header of every receipt. */
export const RECEIPT_TYPE = 'unseen-receipt+jwt';

/** The checks in the order in which they are made. */
export const CHECK_NAMES = [
  'form',
  'algorithm',
  'type',
  'key',
  'signature',
  'payload',
  'budget',
  'proof',
  'checkpoint',
  'inclusion',
  'history',
  'output',
] as const;

export type CheckName = (typeof CHECK_NAMES)[number];

/** Reasons why a check holds with a reservation, or could not be made. */
export const RESERVATION_CODES = [
  'KEY_SELF_ASSERTED',
  'LOG_KEY_ABSENT',
  'CONSISTENCY_NOT_SHOWN',
  'PROOF_ABSENT',
  'OUTPUT_NOT_DISCLOSED',
] as const;

export type ReservationCode = (typeof RESERVATION_CODES)[number];

export interface Check {
  readonly name: CheckName;
  /** `warning`: holds only on the word of whoever wrote it. `skipped`: nothing was given to check. */
  readonly state: 'holds' | 'warning' | 'skipped' | 'fails';
  readonly holds: boolean;
  /** Null when it holds without reservation. */
  readonly code: EvidenceCode | ReservationCode | null;
  /** Public text for the sentence of `code`: the key's thumbprint, or a field's name. */
  readonly args: Readonly<Record<string, string>>;
}

export interface Verification {
  readonly verdict: 'valid' | 'selfAsserted' | 'unanchored' | 'invalid';
  /** The same as `verdict === 'valid'`. */
  readonly valid: boolean;
  /** Ends with the first check that fails. */
  readonly checks: readonly Check[];
  /** The check that fails, or null. */
  readonly failed: Check | null;
  /** What the receipt says; null unless it is signed and well formed. */
  readonly payload: ReceiptPayload | null;
}

export interface ReceiptEvidence {
  readonly receipt: string;
  /** Keys whose receipts the reader trusts. */
  readonly keys?: readonly EvidenceJwk[] | undefined;
  /** A `c2sp.org/tlog-proof@v1` text for this receipt. */
  readonly proof?: string | undefined;
  /** The log's verifier key as text: `name+keyid+base64`. */
  readonly logKey?: string | undefined;
  /** A checkpoint of the same log that the reader kept from before or got from someone else. */
  readonly checkpoint?: string | undefined;
  /** Consistency path between that checkpoint and the proof's, smaller tree first. */
  readonly consistency?: readonly Uint8Array[] | undefined;
  /** The stored cells of the answer and their salt. */
  readonly disclosed?: { readonly salt: string; readonly cells: unknown } | undefined;
}

/**
 * Signs a payload, which then says the crypto profile of the key. EvidenceError when the payload is not one that a
 * reader would accept.
 */
export async function issueReceipt(
  payload: ReceiptPayload,
  key: EvidenceKey,
  options: { readonly embedKey: boolean },
): Promise<string> {
  const isSm = profileOfKey(key.publicJwk) === 'sm';
  const checked = parseReceiptPayload(isSm ? { ...payload, cryptoProfile: 'sm' } : payload);
  checkProfile(checked, key.publicJwk);
  checkBudget(checked);
  return signCompact(checked, key, { typ: RECEIPT_TYPE, embedKey: options.embedKey });
}

/** The log leaf of a receipt: RFC 6962 leaf hash of its ASCII bytes. */
export function receiptLeaf(receipt: string): Uint8Array {
  return leafHash(new TextEncoder().encode(receipt));
}

/** Checks whatever can be checked with what was given. Never throws for what the evidence contains. */
export async function verifyReceipt(evidence: ReceiptEvidence): Promise<Verification> {
  const checks: Check[] = [];
  let payload: ReceiptPayload | null = null;
  try {
    const { key, value } = await checkSignature(evidence, checks);
    payload = checkPayload(value, key, checks);
    checkBudget(payload);
    checks.push(holding('budget'));
    checkLog(evidence, checks);
    checkOutput(evidence, payload, checks);
  } catch (error) {
    if (!(error instanceof EvidenceError)) throw error;
    const failed = failureOf(error);
    return {
      verdict: 'invalid',
      valid: false,
      checks: [...precedingChecks(checks, failed), failed],
      failed,
      payload,
    };
  }
  const verdict = verdictOf(checks);
  return { verdict, valid: verdict === 'valid', checks, failed: null, payload };
}

/** Which check a code belongs to. */
const CHECK_OF: Readonly<Record<EvidenceCode, CheckName>> = {
  JWS_MALFORMED: 'form',
  HEADER_FORBIDDEN: 'form',
  ALG_FORBIDDEN: 'algorithm',
  TYP_WRONG: 'type',
  KEY_MALFORMED: 'key',
  KEY_UNKNOWN: 'key',
  KID_MISMATCH: 'key',
  SIGNATURE_INVALID: 'signature',
  PAYLOAD_NOT_CANONICAL: 'payload',
  PAYLOAD_SCHEMA: 'payload',
  BUDGET_ARITHMETIC: 'budget',
  PROOF_MALFORMED: 'proof',
  NOTE_MALFORMED: 'proof',
  CHECKPOINT_MALFORMED: 'proof',
  NOTE_KEY_MALFORMED: 'checkpoint',
  NOTE_NOT_SIGNED: 'checkpoint',
  NOTE_SIGNATURE_INVALID: 'checkpoint',
  CHECKPOINT_ORIGIN: 'checkpoint',
  NOT_INCLUDED: 'inclusion',
  LOG_FORKED: 'history',
  HISTORY_UNUSABLE: 'history',
  OUTPUT_ABSENT: 'output',
  OUTPUT_MISMATCH: 'output',
};

async function checkSignature(
  { receipt, keys }: ReceiptEvidence,
  checks: Check[],
): Promise<{ key: EvidenceJwk; value: unknown }> {
  const trust = { typ: RECEIPT_TYPE, keys: keys ?? [], acceptEmbedded: true };
  const { key, kid, pinned } = identifySigner(receipt, trust);
  checks.push(...(['form', 'algorithm', 'type'] as const).map(holding));
  checks.push(pinned ? holding('key') : reservation('key', 'KEY_SELF_ASSERTED', { key: kid }));
  const { payload } = await verifyCompact(receipt, trust);
  checks.push(holding('signature'));
  return { key, value: payload };
}

function checkPayload(value: unknown, key: EvidenceJwk, checks: Check[]): ReceiptPayload {
  const payload = parseReceiptPayload(value);
  checkProfile(payload, key);
  checks.push(holding('payload'));
  return payload;
}

/** A receipt says the profile of the key that signs it. */
function checkProfile({ cryptoProfile }: ReceiptPayload, key: EvidenceJwk): void {
  if ((cryptoProfile ?? 'international') !== profileOfKey(key))
    throw new EvidenceError('PAYLOAD_SCHEMA', 'cryptoProfile');
}

function checkLog(evidence: ReceiptEvidence, checks: Check[]): void {
  if (evidence.proof === undefined) {
    checks.push(reservation('proof', 'PROOF_ABSENT'));
    return;
  }
  const proof = parseTlogProof(evidence.proof);
  const stated = parseCheckpoint(parseNote(proof.checkpoint).text);
  checks.push(holding('proof'));
  checks.push(checkCheckpoint(proof, evidence));
  checkInclusion(evidence.receipt, proof, stated);
  checks.push(holding('inclusion'));
  if (evidence.checkpoint !== undefined) checks.push(checkHistory(evidence.checkpoint, stated, evidence));
}

function checkCheckpoint(proof: TlogProof, { logKey }: ReceiptEvidence): Check {
  if (logKey === undefined) return reservation('checkpoint', 'LOG_KEY_ABSENT');
  openCheckpoint(proof.checkpoint, parseVerifier(logKey));
  return holding('checkpoint');
}

function checkInclusion(receipt: string, { index, path }: TlogProof, { size, root }: Checkpoint): void {
  const leaf = receiptLeaf(receipt);
  if (!verifyInclusion({ leaf, index, size, path, root })) throw new EvidenceError('NOT_INCLUDED');
}

/** Two checkpoints of one log must belong to one history, whichever is the older. */
function checkHistory(kept: string, stated: Checkpoint, evidence: ReceiptEvidence): Check {
  const known = readKept(kept, evidence);
  if (known.origin !== stated.origin) throw new EvidenceError('HISTORY_UNUSABLE');
  // A checkpoint of the empty tree has nothing to compare: every tree begins with it.
  if (known.size === 0n) throw new EvidenceError('HISTORY_UNUSABLE');
  const [first, second] = known.size <= stated.size ? [known, stated] : [stated, known];
  const isSameSize = first.size === second.size;
  if (!isSameSize && evidence.consistency === undefined)
    return reservation('history', 'CONSISTENCY_NOT_SHOWN');
  const path = isSameSize ? [] : (evidence.consistency ?? []);
  if (!verifyConsistency({ first, second, path })) throw new EvidenceError('LOG_FORKED');
  return holding('history');
}

/** The reader's own checkpoint. What is wrong with it is not the receipt's fault, and so has its own code. */
function readKept(kept: string, { logKey }: ReceiptEvidence): Checkpoint {
  try {
    return logKey === undefined
      ? parseCheckpoint(parseNote(kept).text)
      : openCheckpoint(kept, parseVerifier(logKey));
  } catch (error) {
    if (error instanceof EvidenceError) throw new EvidenceError('HISTORY_UNUSABLE');
    throw error;
  }
}

function checkOutput({ disclosed }: ReceiptEvidence, { output }: ReceiptPayload, checks: Check[]): void {
  if (disclosed === undefined) {
    checks.push(reservation('output', 'OUTPUT_NOT_DISCLOSED'));
    return;
  }
  if (output === null) throw new EvidenceError('OUTPUT_ABSENT');
  if (digestOrNull(disclosed) !== output.digest) throw new EvidenceError('OUTPUT_MISMATCH');
  checks.push(holding('output'));
}

/** Null when salt or cells are not even of the form that has a digest. */
function digestOrNull({ salt, cells }: { readonly salt: string; readonly cells: unknown }): string | null {
  try {
    return outputDigestOf(salt, cells);
  } catch {
    return null;
  }
}

function verdictOf(checks: readonly Check[]): Verification['verdict'] {
  const codes = new Set(checks.filter(({ state }) => state === 'warning').map(({ code }) => code));
  if (codes.has('KEY_SELF_ASSERTED')) return 'selfAsserted';
  return codes.size > 0 ? 'unanchored' : 'valid';
}

function failureOf({ code, field }: EvidenceError): Check {
  const args = field === null ? {} : { field };
  return { name: CHECK_OF[code], state: 'fails', holds: false, code, args };
}

const PASSED_ON_THE_WAY: ReadonlySet<CheckName> = new Set(['form', 'algorithm', 'type', 'signature']);

/**
 * What was found before the failure. `identifySigner` makes its checks in one call, and so does `verifyCompact`
 * with signature and spelling of the payload: what they passed on the way is named here.
 */
function precedingChecks(checks: readonly Check[], failed: Check): Check[] {
  const made = CHECK_NAMES.slice(0, CHECK_NAMES.indexOf(failed.name));
  return made.flatMap((name) => {
    const found = checks.find((check) => check.name === name);
    return found ?? (PASSED_ON_THE_WAY.has(name) ? holding(name) : []);
  });
}

function holding(name: CheckName): Check {
  return { name, state: 'holds', holds: true, code: null, args: {} };
}

function reservation(
  name: CheckName,
  code: ReservationCode,
  args: Readonly<Record<string, string>> = {},
): Check {
  const state = code === 'PROOF_ABSENT' || code === 'OUTPUT_NOT_DISCLOSED' ? 'skipped' : 'warning';
  return { name, state, holds: false, code, args };
}
