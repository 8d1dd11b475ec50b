/** Codes without words and words without codes: the sentences of verification are complete. */
import { expect, test } from 'vitest';

import { generateSigningKey } from '#crypto/ed25519-key.ts';
import { EVIDENCE_CODES } from '#crypto/evidence.ts';
import {
  CHECK_NAMES,
  RECEIPT_TYPE,
  RESERVATION_CODES,
  issueReceipt,
  verifyReceipt,
} from '#crypto/receipt.ts';
import { signCompact } from '#crypto/signing.ts';
import { type SentenceId, WORDS, render, say } from '#policies/words.ts';
import { VERIFY_WORDS } from '#policies/words/verify.ts';

import { RELEASED } from './sample-receipt.ts';

const key = generateSigningKey();
const keys = [key.publicJwk];

test('every code, check and verdict has its sentence, and no sentence is without one', () => {
  const ids = [
    ...CHECK_NAMES.map((name) => `verify.check.${name}`),
    ...EVIDENCE_CODES.map((code) => `verify.${code}`),
    ...RESERVATION_CODES.map((code) => `verify.${code}`),
    ...['valid', 'selfAsserted', 'unanchored', 'invalid'].map((verdict) => `verify.verdict.${verdict}`),
  ];
  expect(Object.keys(VERIFY_WORDS).toSorted()).toEqual(ids.toSorted());
  expect(ids.filter((id) => !(id in WORDS))).toEqual([]);
  expect(render(say('verify.PAYLOAD_SCHEMA', { field: 'budget.0' }), 'zh')).toContain('budget.0');
});

test('the arguments of a check fill its sentence', async () => {
  const own = await issueReceipt(RELEASED, generateSigningKey(), { embedKey: true });
  const strange = await signed({ ...RELEASED, usage: { '\u001b[31mred': '1' } });
  for (const receipt of [own, strange, await signed({ ...RELEASED, bitsOut: 'many' })]) {
    const { checks } = await verifyReceipt({ receipt, keys });
    for (const { code, args } of checks.filter((check) => check.code !== null)) {
      const text = render(say(`verify.${code}` as SentenceId, args), 'en');
      expect(text).not.toContain('{');
      expect(text).not.toContain('\u001b');
    }
  }
});

function signed(payload: object): Promise<string> {
  return signCompact(payload, key, { typ: RECEIPT_TYPE });
}
