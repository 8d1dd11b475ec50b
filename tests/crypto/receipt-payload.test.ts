/** What a receipt may say: every field must be there, known and well formed, and the story must fit. */
import { describe, expect, test } from 'vitest';

import { canonicalJson, digestOf } from '#crypto/canonical.ts';
import { commitVersion, opensCommitment, outputDigestOf } from '#crypto/commitment.ts';
import { EvidenceError } from '#crypto/evidence.ts';
import { type ReceiptPayload, checkBudget, parseReceiptPayload } from '#crypto/receipt-payload.ts';

import { CELLS, REFUSED, RELEASED, SALT } from './sample-receipt.ts';

function outcome(value: unknown): string {
  try {
    checkBudget(parseReceiptPayload(value));
    return 'accepted';
  } catch (error) {
    if (error instanceof EvidenceError) return error.message;
    throw error;
  }
}

/** Every path to a field of the payload, objects included. */
function* pathsOf(value: unknown, path: readonly string[] = []): Generator<readonly string[]> {
  if (typeof value !== 'object' || value === null) return;
  for (const [name, member] of Object.entries(value)) {
    yield [...path, name];
    yield* pathsOf(member, [...path, name]);
  }
}

function changedAt(
  path: readonly string[],
  change: (holder: Record<string, unknown>, name: string) => void,
): unknown {
  const copy: unknown = structuredClone(RELEASED);
  const names = [...path];
  const last = names.pop() as string;
  const holder = names.reduce<unknown>((at, name) => (at as Record<string, unknown>)[name], copy);
  change(holder as Record<string, unknown>, last);
  return copy;
}

test('a complete payload is accepted, survives canonical JSON, and holds no number', () => {
  for (const payload of [RELEASED, REFUSED]) {
    expect(outcome(payload)).toBe('accepted');
    expect(parseReceiptPayload(JSON.parse(canonicalJson(payload)))).toEqual(payload);
    expect(
      JSON.parse(canonicalJson(payload), (_, value) => (typeof value === 'number' ? null : value)),
    ).toEqual(payload);
  }
});

test('no field may be missing, a number, or beside an unknown one', () => {
  const accepted: string[] = [];
  let tried = 0;
  for (const { what, payload } of damaged()) {
    tried += 1;
    if (outcome(payload) === 'accepted') accepted.push(what);
  }
  // What may be there or not is a planned quantity, and an element of a list that is long enough without it.
  expect(accepted).toEqual(['without usage.calls', 'without usage.nominalRows', 'without usage.cpuUnits']);
  expect(tried).toBeGreaterThan(150);
});

function* damaged(): Generator<{ what: string; payload: unknown }> {
  for (const path of pathsOf(RELEASED)) {
    const where = path.join('.');
    const isElement = /^\d+$/.test(path.at(-1) as string);
    yield { what: `${where} a number`, payload: changedAt(path, (holder, name) => void (holder[name] = 7)) };
    if (isElement) continue;
    yield { what: `without ${where}`, payload: changedAt(path, (holder, name) => delete holder[name]) };
    // Any name is a quantity's name; what may stand there is tested below.
    if (path[0] === 'usage' && path.length > 1) continue;
    yield { what: `beside ${where}`, payload: changedAt(path, (holder) => void (holder['rowsRead'] = '7')) };
  }
}

describe('fields have one form', () => {
  const [dataset] = RELEASED.datasets;
  const [line] = RELEASED.budget;
  test.for([
    { name: 'another version', change: { version: '2' } },
    { name: 'a digest without algorithm', change: { planDigest: '5'.repeat(64) } },
    { name: 'a digest in capitals', change: { planDigest: `sha256:${'A'.repeat(64)}` } },
    {
      name: 'a content digest in place of a commitment',
      change: { datasets: [{ ...dataset, commitment: `sha256:${'4'.repeat(64)}` }] },
    },
    {
      name: 'a version id that is no random 128 bits',
      change: { datasets: [{ ...dataset, versionId: 'v1' }] },
    },
    { name: 'a row count', change: { datasets: [{ ...dataset, rows: '1000' }] } },
    { name: 'a measured quantity', change: { usage: { measured: { rows: '7' } } } },
    { name: 'a quantity with a leading zero', change: { usage: { calls: '01' } } },
    { name: 'a quantity that is no number', change: { usage: { calls: 'NaN' } } },
    { name: 'an infinite quantity', change: { usage: { calls: 'Infinity' } } },
    { name: 'a quantity without name', change: { usage: { '': '1' } } },
    {
      name: 'an amount above numeric(38,0)',
      change: { budget: [{ ...line, before: { nano: '9'.repeat(39), thresholdDeltaYocto: '1' } }] },
    },
    {
      name: 'a negative amount',
      change: { budget: [{ ...line, before: { nano: '-1', thresholdDeltaYocto: '1' } }] },
    },
    { name: 'a control character in a name', change: { issuer: 'a\u001b[31mb' } },
    { name: 'a right-to-left override in a name', change: { purpose: 'a\u202eb' } },
    { name: 'a line separator in a name', change: { purpose: 'a\u2028b' } },
    { name: 'a time without offset', change: { releasedAt: '2026-11-20T08:30:00' } },
    { name: 'a day that does not exist', change: { releasedAt: '2026-02-30T08:30:00Z' } },
    { name: 'another mechanism', change: { mechanism: { ...RELEASED.mechanism, name: 'none' } } },
    { name: 'no measure', change: { mechanism: { ...RELEASED.mechanism, measures: [] } } },
    { name: 'another separation', change: { separation: 'some' } },
    { name: 'a timing with two modes', change: { timing: { mode: 'exact', quantumMs: '125' } } },
  ])('$name is refused', ({ change }) => {
    expect(outcome({ ...RELEASED, ...change })).toMatch(/^PAYLOAD_SCHEMA/);
  });
});

describe('the story must fit', () => {
  const free = { unit: 'rho', nano: '0', thresholdDeltaYocto: '0', epsilon: '0', delta: '0' };
  const [line] = RELEASED.budget as [ReceiptPayload['budget'][0]];
  const unmoved = [{ ...line, after: line.before }];
  test.for([
    {
      name: 'an answer with a refusal code',
      payload: { ...RELEASED, code: 'BUDGET' },
      want: 'PAYLOAD_SCHEMA code',
    },
    {
      name: 'an answer without output',
      payload: { ...RELEASED, output: null },
      want: 'PAYLOAD_SCHEMA output',
    },
    {
      name: 'an answer without release id',
      payload: { ...RELEASED, releaseId: null },
      want: 'PAYLOAD_SCHEMA releaseId',
    },
    { name: 'an answer without cost', payload: { ...RELEASED, cost: null }, want: 'PAYLOAD_SCHEMA cost' },
    {
      name: 'an answer without mechanism',
      payload: { ...RELEASED, mechanism: null },
      want: 'PAYLOAD_SCHEMA mechanism',
    },
    {
      name: 'an answer without plan',
      payload: { ...RELEASED, planDigest: null },
      want: 'PAYLOAD_SCHEMA planDigest',
    },
    {
      name: 'an answer without release time',
      payload: { ...RELEASED, releasedAt: null },
      want: 'PAYLOAD_SCHEMA releasedAt',
    },
    {
      name: 'an answer without capacity bound',
      payload: { ...RELEASED, bitsOut: null },
      want: 'PAYLOAD_SCHEMA bitsOut',
    },
    {
      name: 'an answer without dataset',
      payload: { ...RELEASED, datasets: [] },
      want: 'PAYLOAD_SCHEMA datasets',
    },
    { name: 'a refusal without code', payload: { ...REFUSED, code: null }, want: 'PAYLOAD_SCHEMA code' },
    {
      name: 'a refusal with an output',
      payload: { ...REFUSED, output: RELEASED.output },
      want: 'PAYLOAD_SCHEMA output',
    },
    {
      name: 'a refusal that spends',
      payload: { ...REFUSED, cost: RELEASED.cost },
      want: 'PAYLOAD_SCHEMA cost',
    },
    { name: 'a repeat that spends', payload: { ...RELEASED, repeat: true }, want: 'PAYLOAD_SCHEMA repeat' },
    { name: 'a repeated refusal', payload: { ...REFUSED, repeat: true }, want: 'PAYLOAD_SCHEMA repeat' },
    {
      name: 'a free repeat',
      payload: { ...RELEASED, repeat: true, cost: free, budget: unmoved },
      want: 'accepted',
    },
    {
      name: 'a ledger that did not move',
      payload: { ...RELEASED, budget: unmoved },
      want: 'BUDGET_ARITHMETIC budget.0',
    },
    {
      name: 'a second ledger that did not move',
      payload: { ...RELEASED, budget: [line, ...unmoved] },
      want: 'BUDGET_ARITHMETIC budget.1',
    },
    {
      name: 'a refusal that moved the ledger',
      payload: { ...REFUSED, budget: [line] },
      want: 'BUDGET_ARITHMETIC budget.0',
    },
    {
      name: 'a ledger in another unit',
      payload: { ...RELEASED, budget: [{ ...line, unit: 'epsilon' }] },
      want: 'BUDGET_ARITHMETIC budget.0',
    },
    {
      name: 'a ledger filled to the brim',
      payload: { ...RELEASED, budget: [{ ...line, capacity: line.after }] },
      want: 'accepted',
    },
    {
      name: 'a ledger above its ceiling',
      payload: { ...RELEASED, budget: [{ ...line, capacity: { ...line.after, nano: '99' } }] },
      want: 'BUDGET_ARITHMETIC budget.0',
    },
    {
      name: 'a threshold δ above its ceiling',
      payload: { ...RELEASED, budget: [{ ...line, capacity: { ...line.after, thresholdDeltaYocto: '11' } }] },
      want: 'BUDGET_ARITHMETIC budget.0',
    },
    {
      name: 'a threshold δ that did not move',
      payload: { ...RELEASED, budget: [{ ...line, after: { ...line.after, thresholdDeltaYocto: '1' } }] },
      want: 'BUDGET_ARITHMETIC budget.0',
    },
    {
      name: 'a ledger without ceiling',
      payload: { ...RELEASED, budget: [{ ...line, capacity: null }] },
      want: 'accepted',
    },
  ])('$name', ({ payload, want }) => {
    expect(outcome(payload)).toBe(want);
  });
});

describe('commitments', () => {
  const versionKey = new Uint8Array(32).fill(7);
  const contentDigest = digestOf('content');
  const commitment = commitVersion(versionKey, contentDigest);

  test('are HMAC-SHA-256 of the digest text, and open with key and digest only', () => {
    // Checked with: printf %s "$digest" | openssl dgst -sha256 -mac HMAC -macopt hexkey:0707…07
    expect(contentDigest).toBe('sha256:b09c7d54e7dd3d63683312b9913f78ac3779abcfd921d4a795469bd76017a4d5');
    expect(commitment).toBe('hmac-sha256:93c0c9c76a6114e1e8310a6a93e34cc3f3d7bf85e10398dd1b4b6c74919d5416');
    expect(opensCommitment(commitment, { versionKey, contentDigest })).toBe(true);
    for (const wrong of [
      { versionKey: versionKey.with(31, 8), contentDigest },
      { versionKey, contentDigest: digestOf('other') },
    ]) {
      expect(opensCommitment(commitment, wrong)).toBe(false);
    }
    for (const text of ['', commitment.slice(0, -1), `${commitment}0`, commitment.replace('hmac-', '')]) {
      expect(opensCommitment(text, { versionKey, contentDigest })).toBe(false);
    }
  });

  test('demand a full key and a digest', () => {
    expect(() => commitVersion(new Uint8Array(31), contentDigest)).toThrow(RangeError);
    expect(() => commitVersion(versionKey, 'sha256:00')).toThrow(RangeError);
  });

  test('an output digest depends on salt and on every cell', () => {
    const [cell] = CELLS as [(typeof CELLS)[0]];
    const digests = [
      outputDigestOf(SALT, CELLS),
      outputDigestOf(SALT.replace('00', '01'), CELLS),
      outputDigestOf(SALT, []),
      outputDigestOf(SALT, [cell, cell]),
      outputDigestOf(SALT, [{ ...cell, key: ['北'] }]),
    ];
    expect(new Set(digests).size).toBe(digests.length);
    expect(outputDigestOf(SALT, structuredClone(CELLS))).toBe(digests[0]);
    for (const salt of ['', 'salt', SALT.slice(2), SALT.toUpperCase()]) {
      expect(() => outputDigestOf(salt, CELLS)).toThrow(RangeError);
    }
  });
});
