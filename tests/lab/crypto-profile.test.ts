/** `unseen lab --crypto-profile`: a job from request to receipt under SM, and a state that keeps the profile it began with. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseEvidenceJwk } from '#crypto/evidence-key.ts';
import { verifyReceipt } from '#crypto/receipt.ts';
import { runBatch, runLab } from './lab-process.ts';
import { COST, LedgerFolder, left } from './ledger.ts';
import type { Answer } from './lab-process.ts';

const folder = new LedgerFolder();
afterAll(() => folder[Symbol.dispose]());
const [state, older] = [folder.fresh(), folder.fresh()];
const sm = (directory?: string, more: object = {}): object =>
  folder.ask(directory!, { cryptoProfile: 'sm', ...more });

let answers: readonly Answer[];
beforeAll(async () => {
  answers = await runBatch(folder, [
    sm(state),
    sm(state),
    folder.ask(state),
    folder.ask(older),
    sm(older),
    sm(undefined),
    sm(undefined, { cryptoProfile: 'gm' }),
  ]);
});

const keyIn = (directory: string): unknown =>
  JSON.parse(readFileSync(join(folder.path, directory, 'signing-key.jwk'), 'utf8'));

test('a job is released, charged and signed with SM2, and its receipt verifies offline', async () => {
  const [first] = answers;
  expect(first).toMatchObject({
    decision: 'released',
    repeat: false,
    budget: { rhoNanoSpent: String(COST) },
  });
  const { d: _, ...publicKey } = keyIn(state) as Record<string, unknown>;
  const receipt = first!.receipt!;
  const result = await verifyReceipt({ receipt, keys: [parseEvidenceJwk(publicKey)] });
  expect(result).toMatchObject({ verdict: 'valid', payload: { cryptoProfile: 'sm', issuer: 'unseen lab' } });
  expect((await verifyReceipt({ receipt })).verdict).toBe('selfAsserted');
  const changed = receipt.slice(0, -2) + (receipt.endsWith('AA') ? 'BA' : 'AA');
  expect((await verifyReceipt({ receipt: changed })).failed?.code).toBe('SIGNATURE_INVALID');
});

test('its repeat is free and the same', () => {
  const [first, again] = answers;
  expect(again).toMatchObject({ repeat: true, releaseId: first!.releaseId, receipt: first!.receipt });
  expect(left(again)).toBe(left(first));
});

test('a state of the other profile is refused by name, both ways and while it is open, and nothing is spent', () => {
  const [, , asInternational, begun, asSm] = answers;
  for (const [answer, made, asked] of [
    [asInternational, 'sm', 'international'],
    [asSm, 'international', 'sm'],
  ] as const) {
    expect(answer).toMatchObject({ decision: 'failed', code: 'CONFIG' });
    expect(answer!.message).toMatch(
      new RegExp(`^cryptoProfile: .*signing-key\\.jwk.*\`${made}\`.*\`${asked}\``),
    );
  }
  expect(begun!.decision).toBe('released');
  expect([folder.openedIn(state), folder.openedIn(older)]).toEqual([1n, 1n]);
});

test('a new process keeps to it: the same profile goes on, the other is refused', async () => {
  const { dataset, policy } = folder;
  const words = [
    '--dataset',
    dataset,
    '--policy',
    policy,
    '--sql',
    'SELECT COUNT(*) FROM people',
    '--state',
    state,
  ];
  const same = await runLab(folder, ...words, '--crypto-profile', 'sm');
  expect(same.answers[0]).toMatchObject({ repeat: true, receipt: answers[0]!.receipt });
  const other = await runLab(folder, ...words);
  expect(other.code).toBe(2);
  expect(other.answers[0]!.message).toContain('cryptoProfile: the key in');
});

test('without a state a throw-away key of the profile signs; an unknown name is refused', async () => {
  const [, , , , , thrownAway, unknown] = answers;
  const verified = await verifyReceipt({ receipt: thrownAway!.receipt! });
  expect(verified).toMatchObject({ verdict: 'selfAsserted', payload: { cryptoProfile: 'sm' } });
  expect(unknown).toMatchObject({ decision: 'failed', code: 'CONFIG' });
  expect(unknown!.message).toContain('`gm` is no crypto profile');
});
