/** Receipts: what verification accepts, and the first thing it names when something does not hold. */
import { beforeAll, describe, expect, test } from 'vitest';

import { canonicalJson } from '#crypto/canonical.ts';
import { generateSigningKey } from '#crypto/ed25519-key.ts';
import { EVIDENCE_CODES } from '#crypto/evidence.ts';
import { renderCheckpoint } from '#crypto/log/checkpoint.ts';
import { signNote } from '#crypto/log/note.ts';
import { parseTlogProof, renderTlogProof } from '#crypto/log/tlog-proof.ts';
import {
  CHECK_NAMES,
  RECEIPT_TYPE,
  type ReceiptEvidence,
  type Verification,
  issueReceipt,
  verifyReceipt,
} from '#crypto/receipt.ts';
import { parseReceiptPayload } from '#crypto/receipt-payload.ts';
import { signCompact } from '#crypto/signing.ts';

import { CELLS, REFUSED, RELEASED, SALT, type SampleLog, logOf, logSigner } from './sample-receipt.ts';

const key = generateSigningKey();
const keys = [key.publicJwk];
const disclosed = { salt: SALT, cells: CELLS };

let receipts: string[] = [];
let log: SampleLog;
/** Everything a reader can be given for receipt 2 of 6. */
let complete: ReceiptEvidence;

beforeAll(async () => {
  const payloads = Array.from({ length: 6 }, (_, at) => ({ ...RELEASED, jobId: `job-${at}` }));
  receipts = await Promise.all(payloads.map((payload) => issueReceipt(payload, key, { embedKey: false })));
  log = logOf(receipts);
  complete = {
    receipt: receipts[2] as string,
    keys,
    proof: log.proofOf(2, 5),
    logKey: log.logKey,
    checkpoint: log.noteAt(6),
    consistency: log.consistencyOf(5, 6),
    disclosed,
  };
});

/** What failed, as `check: CODE`; the verdict when nothing did. */
async function outcome(change: Partial<ReceiptEvidence> = {}): Promise<string> {
  const { failed, verdict } = await verifyReceipt({ ...complete, ...change });
  return failed === null ? verdict : `${failed.name}: ${failed.code}`;
}

function statesOf({ checks }: Verification): Record<string, string> {
  return Object.fromEntries(checks.map(({ name, state }) => [name, state]));
}

test('with everything given, every check is made and holds', async () => {
  const result = await verifyReceipt(complete);
  expect(result).toMatchObject({ valid: true, verdict: 'valid', failed: null });
  expect(result.checks.map(({ name }) => name)).toEqual(CHECK_NAMES);
  expect(result.checks.every(({ state, holds, code }) => state === 'holds' && holds && code === null)).toBe(
    true,
  );
  expect(result.payload?.jobId).toBe('job-2');
});

test('what was not given is reported as not checked, and never as holding', async () => {
  const result = await verifyReceipt({ receipt: complete.receipt, keys });
  expect(result).toMatchObject({ valid: true, verdict: 'valid' });
  expect(statesOf(result)).toMatchObject({ proof: 'skipped', output: 'skipped' });
  expect(result.checks.filter(({ holds }) => !holds).map(({ code }) => code)).toEqual([
    'PROOF_ABSENT',
    'OUTPUT_NOT_DISCLOSED',
  ]);
});

test('a receipt with its own key is a warning, never valid', async () => {
  const own = generateSigningKey();
  const receipt = await issueReceipt(RELEASED, own, { embedKey: true });
  const result = await verifyReceipt({ receipt, keys, disclosed });
  expect(result).toMatchObject({ valid: false, verdict: 'selfAsserted', failed: null });
  expect(result.checks.find(({ name }) => name === 'key')).toEqual({
    name: 'key',
    state: 'warning',
    holds: false,
    code: 'KEY_SELF_ASSERTED',
    args: { key: own.kid },
  });
  // The same receipt is valid for a reader who pinned that key.
  expect(await verifyReceipt({ receipt, keys: [own.publicJwk], disclosed })).toMatchObject({ valid: true });
  // Without a key inside there is nothing to check the signature with.
  expect(await outcome({ keys: [] })).toBe('key: KEY_UNKNOWN');
  const changed = await verifyReceipt({ receipt: tampered(receipt), keys });
  expect(statesOf(changed)).toMatchObject({ key: 'warning', signature: 'fails' });
});

test('a checkpoint without a log key is a warning, never valid', async () => {
  const result = await verifyReceipt({ ...complete, logKey: undefined });
  expect(result).toMatchObject({ valid: false, verdict: 'unanchored', failed: null });
  expect(statesOf(result)).toMatchObject({ checkpoint: 'warning', inclusion: 'holds', history: 'holds' });
});

test('every changed character of a receipt is noticed, by a named check', async () => {
  const { receipt } = complete;
  for (let at = 0; at < receipt.length; at += 1) {
    const changed = receipt.slice(0, at) + (receipt[at] === 'A' ? 'B' : 'A') + receipt.slice(at + 1);
    const { valid, failed } = await verifyReceipt({ receipt: changed, keys });
    expect({ valid, named: failed !== null && failed.code !== null }).toEqual({ valid: false, named: true });
  }
}, 30_000);

test('every changed character of a proof is noticed, by a named check', async () => {
  const proof = complete.proof as string;
  for (let at = 0; at < proof.length; at += 1) {
    const changed = proof.slice(0, at) + (proof[at] === 'A' ? 'B' : 'A') + proof.slice(at + 1);
    expect(await outcome({ proof: changed })).toMatch(/^(?:proof|checkpoint|inclusion): [A-Z_]+$/);
  }
}, 30_000);

describe('the first thing that does not hold is named', () => {
  const cases: {
    name: string;
    change: () => Partial<ReceiptEvidence> | Promise<Partial<ReceiptEvidence>>;
    want: string;
  }[] = [
    { name: 'no receipt', change: () => ({ receipt: '' }), want: 'form: JWS_MALFORMED' },
    {
      name: 'a dropped last character',
      change: () => ({ receipt: complete.receipt.slice(0, -1) }),
      want: 'form: JWS_MALFORMED',
    },
    {
      name: 'another algorithm',
      change: () => ({ receipt: withHeader({ alg: 'none', kid: key.kid, typ: RECEIPT_TYPE }) }),
      want: 'algorithm: ALG_FORBIDDEN',
    },
    {
      name: 'another kind of statement',
      change: async () => ({ receipt: await signCompact(RELEASED, key, { typ: 'at+jwt' }) }),
      want: 'type: TYP_WRONG',
    },
    {
      name: 'keys of somebody else',
      change: () => ({ keys: [generateSigningKey().publicJwk] }),
      want: 'key: KEY_UNKNOWN',
    },
    {
      name: 'a changed amount',
      change: () => ({ receipt: tampered(complete.receipt) }),
      want: 'signature: SIGNATURE_INVALID',
    },
    {
      name: 'a signed statement that is no receipt',
      change: async () => ({ receipt: await signed({ hello: 'world' }) }),
      want: 'payload: PAYLOAD_SCHEMA',
    },
    {
      name: 'a ledger that moved by another amount',
      change: async () => ({ receipt: await signed({ ...RELEASED, cost: { ...RELEASED.cost, nano: '8' } }) }),
      want: 'budget: BUDGET_ARITHMETIC',
    },
    { name: 'a proof of another format', change: () => ({ proof: 'proof' }), want: 'proof: PROOF_MALFORMED' },
    {
      name: 'a proof without signed checkpoint',
      change: () => ({ proof: reproved({ checkpoint: 'text\n' }) }),
      want: 'proof: NOTE_MALFORMED',
    },
    {
      name: 'a checkpoint of two lines',
      change: () => ({ proof: reproved({ checkpoint: signNote('log.example/unseen\n5\n', log.signer) }) }),
      want: 'proof: CHECKPOINT_MALFORMED',
    },
    {
      name: 'a log key that is none',
      change: () => ({ logKey: 'key' }),
      want: 'checkpoint: NOTE_KEY_MALFORMED',
    },
    {
      name: 'a checkpoint of another log',
      change: () => ({ logKey: logOf([]).logKey }),
      want: 'checkpoint: NOTE_NOT_SIGNED',
    },
    {
      name: 'a checkpoint with another size',
      change: () => ({ proof: reproved({ checkpoint: log.noteAt(5).replace('\n5\n', '\n6\n') }) }),
      want: 'checkpoint: NOTE_SIGNATURE_INVALID',
    },
    {
      name: 'a checkpoint under another name',
      change: () => ({ proof: reproved({ checkpoint: otherOrigin() }) }),
      want: 'checkpoint: CHECKPOINT_ORIGIN',
    },
    {
      name: 'the proof of another receipt',
      change: () => ({ proof: log.proofOf(3, 5) }),
      want: 'inclusion: NOT_INCLUDED',
    },
    {
      name: 'an old checkpoint, before the receipt',
      change: () => ({ proof: reproved({ checkpoint: log.noteAt(2) }) }),
      want: 'inclusion: NOT_INCLUDED',
    },
    {
      name: 'another receipt of the same log',
      change: () => ({ receipt: receipts[1] as string }),
      want: 'inclusion: NOT_INCLUDED',
    },
    {
      name: 'a kept checkpoint of another history',
      change: () => ({ checkpoint: forkedNote(6) }),
      want: 'history: LOG_FORKED',
    },
    {
      name: 'a kept checkpoint of another history and the same size',
      change: () => ({ checkpoint: forkedNote(5), consistency: undefined }),
      want: 'history: LOG_FORKED',
    },
    {
      name: 'a consistency proof of other sizes',
      change: () => ({ consistency: log.consistencyOf(4, 6) }),
      want: 'history: LOG_FORKED',
    },
    {
      name: 'a kept checkpoint that is none',
      change: () => ({ checkpoint: 'note' }),
      want: 'history: HISTORY_UNUSABLE',
    },
    {
      name: 'a kept checkpoint of the empty log',
      change: () => ({ checkpoint: log.noteAt(0) }),
      want: 'history: HISTORY_UNUSABLE',
    },
    {
      name: 'a kept checkpoint of another log',
      change: () => ({ logKey: undefined, checkpoint: otherOrigin() }),
      want: 'history: HISTORY_UNUSABLE',
    },
    {
      name: 'a changed value in the answer',
      change: () => ({ disclosed: { salt: SALT, cells: [] } }),
      want: 'output: OUTPUT_MISMATCH',
    },
    {
      name: 'another salt',
      change: () => ({ disclosed: { salt: SALT.replace('0', '1'), cells: CELLS } }),
      want: 'output: OUTPUT_MISMATCH',
    },
    {
      name: 'a salt of another form',
      change: () => ({ disclosed: { salt: 'salt', cells: CELLS } }),
      want: 'output: OUTPUT_MISMATCH',
    },
    {
      name: 'an answer that JSON cannot say',
      change: () => ({ disclosed: { salt: SALT, cells: [1n] } }),
      want: 'output: OUTPUT_MISMATCH',
    },
    {
      name: 'an answer to a refusal',
      change: async () => ({ receipt: await signed(REFUSED), proof: undefined }),
      want: 'output: OUTPUT_ABSENT',
    },
  ];

  test.for(cases)('$name', async ({ change, want }) => {
    expect(await outcome(await change())).toBe(want);
  });

  test('every code is reached above, but for four that belong to the signed text', () => {
    const reached = new Set(cases.map(({ want }) => want.split(': ')[1]));
    // Reached in signing.test.ts through the same function.
    expect(EVIDENCE_CODES.filter((code) => !reached.has(code))).toEqual([
      'HEADER_FORBIDDEN',
      'KEY_MALFORMED',
      'KID_MISMATCH',
      'PAYLOAD_NOT_CANONICAL',
    ]);
  });
});

test('what comes after a failure is not claimed, and what came before is', async () => {
  const result = await verifyReceipt({ ...complete, proof: log.proofOf(3, 5) });
  expect(result.checks.map(({ name }) => name)).toEqual(
    CHECK_NAMES.slice(0, CHECK_NAMES.indexOf('inclusion') + 1),
  );
  const otherLog = await verifyReceipt({ ...complete, logKey: logOf([]).logKey });
  expect(otherLog.checks.map(({ name }) => name)).toEqual(
    CHECK_NAMES.slice(0, CHECK_NAMES.indexOf('checkpoint') + 1),
  );
  const unsigned = await verifyReceipt({ ...complete, receipt: tampered(complete.receipt) });
  expect(unsigned.payload).toBeNull();
  expect(statesOf(unsigned)).toEqual({
    form: 'holds',
    algorithm: 'holds',
    type: 'holds',
    key: 'holds',
    signature: 'fails',
  });
  // Without a proof no check of the log appears as made, even when the answer fails.
  const noProof = await verifyReceipt({
    receipt: complete.receipt,
    keys,
    disclosed: { salt: SALT, cells: [] },
  });
  expect(statesOf(noProof)).not.toHaveProperty('inclusion');
  expect(statesOf(noProof)).toMatchObject({ proof: 'skipped', output: 'fails' });
});

test('a reader who looks at the payload only is taken in by a changed receipt', async () => {
  const changed = tampered(complete.receipt).split('.')[1] as string;
  const payload = parseReceiptPayload(JSON.parse(Buffer.from(changed, 'base64url').toString()));
  expect(payload.cost?.nano).toBe('6');
  expect(await outcome({ receipt: tampered(complete.receipt) })).toBe('signature: SIGNATURE_INVALID');
});

test('two checkpoints that nobody connected are a warning', async () => {
  const result = await verifyReceipt({ ...complete, consistency: undefined });
  expect(result).toMatchObject({ valid: false, verdict: 'unanchored', failed: null });
  expect(result.checks.find(({ name }) => name === 'history')?.code).toBe('CONSISTENCY_NOT_SHOWN');
  // The kept checkpoint may be the older one as well, and the same one needs no proof.
  expect(await outcome({ checkpoint: log.noteAt(3), consistency: log.consistencyOf(3, 5) })).toBe('valid');
  expect(await outcome({ checkpoint: log.noteAt(5), consistency: undefined })).toBe('valid');
});

test('refused and failed runs have receipts that verify', async () => {
  const failed = {
    ...RELEASED,
    decision: 'failed',
    code: 'RUN_LIMIT',
    releaseId: null,
    output: null,
  } as const;
  for (const payload of [REFUSED, failed]) {
    const receipt = await issueReceipt(payload, key, { embedKey: false });
    expect(await verifyReceipt({ receipt, keys })).toMatchObject({ valid: true, payload });
  }
});

test('an inconsistent payload is not signed in the first place', async () => {
  const wrong = { ...RELEASED, cost: null };
  await expect(issueReceipt(wrong, key, { embedKey: false })).rejects.toThrow(/PAYLOAD_SCHEMA cost/);
  const [line] = RELEASED.budget;
  const budget = [
    { ...(line as NonNullable<typeof line>), after: { nano: '99', thresholdDeltaYocto: '12' } },
  ];
  await expect(issueReceipt({ ...RELEASED, budget }, key, { embedKey: false })).rejects.toThrow(
    /BUDGET_ARITHMETIC/,
  );
});

function signed(payload: object): Promise<string> {
  return signCompact(payload, key, { typ: RECEIPT_TYPE });
}

/** The same receipt with another amount in the payload, and the old signature. */
function tampered(receipt: string): string {
  const [header, payload, signature] = receipt.split('.') as [string, string, string];
  const text = Buffer.from(payload, 'base64url').toString().replace('"nano":"7"', '"nano":"6"');
  return [header, Buffer.from(text).toString('base64url'), signature].join('.');
}

function withHeader(header: object): string {
  return [
    Buffer.from(canonicalJson(header)).toString('base64url'),
    ...complete.receipt.split('.').slice(1),
  ].join('.');
}

function reproved(change: { checkpoint: string }): string {
  return renderTlogProof({ ...parseTlogProof(complete.proof as string), ...change });
}

/** A checkpoint with another origin, signed by the log's own key under the log's own name. */
function otherOrigin(): string {
  const root = new Uint8Array(32);
  return signNote(renderCheckpoint({ origin: 'other.example', size: 5n, root }), log.signer);
}

/** A checkpoint that the log's key signed over another history. */
function forkedNote(size: number): string {
  return logOf([...receipts].reverse(), log.signer).noteAt(size);
}

test('the sample log signs with the key that it shows', () => {
  expect(logOf([], logSigner()).logKey).not.toBe(log.logKey);
  expect(logOf(receipts, log.signer).logKey).toBe(log.logKey);
});
