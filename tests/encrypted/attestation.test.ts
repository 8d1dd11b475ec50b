/**
 * An attestation is taken for its own Plan only. Each answer here is signed by the custodian's real key, so that nothing
 * but the comparison with the Plan stands against it.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Attestation,
  type AttestedAnswer,
  openAttestation,
  signAttestation,
  valuesDigestOf,
} from '#crypto/he/order.ts';
import { profileOf } from '#crypto/he/profiles.ts';
import type { EncryptedPlan } from '#sandbox/encrypted/measure.ts';
import { attestedPartials } from '#sandbox/release/attestation.ts';
import { csvOf } from '#tests/lab/small-data.ts';
import { EncryptedScene } from './scene.ts';

const SQL = 'SELECT SUM(stay) FROM encrypted_visits';

let scene: EncryptedScene;
let asked: { readonly plan: EncryptedPlan; readonly order: string; readonly answer: AttestedAnswer };

beforeAll(async () => {
  scene = await EncryptedScene.make({
    manifest: {
      kind: 'Dataset',
      name: 'visits',
      privacyUnit: 'uid',
      origin: 'synthetic',
      maxRows: 100,
      columns: {
        uid: { type: 'integer', role: 'unit' },
        region: { type: 'string', role: 'key', values: ['north', 'south'] },
        stay: { type: 'integer', bounds: [0, 30] },
      },
    },
    csv: csvOf([{ uid: 1, region: 'north', stay: 4 }]),
    choice: { clear: ['region'], rowsPerUnit: 2 },
  });
  const compiled = scene.compile(SQL);
  let order = '';
  let answer: AttestedAnswer | null = null;
  await scene.measure(compiled, {
    custodian: {
      answer: async (jws, ciphertexts) => {
        order = jws;
        answer = await scene.custodian.answer(jws, ciphertexts);
        return answer;
      },
    },
  });
  asked = { plan: compiled.plan as EncryptedPlan, order, answer: answer! };
}, 60_000);
afterAll(() => scene?.[Symbol.asyncDispose]());

/** The answer with another attestation, or other values, under the custodian's signature. */
async function signedAgain(
  changes: Partial<Attestation>,
  values: readonly bigint[] = asked.answer.values,
): Promise<AttestedAnswer> {
  const { version: _version, ...said } = await openAttestation(asked.answer, {
    keys: [scene.custodianKey.publicJwk],
    orderJws: asked.order,
  });
  const attestation = { ...said, valuesDigest: valuesDigestOf(values), ...changes };
  return { values, attestation: await signAttestation(attestation, scene.custodianKey) };
}

async function outcomeOf(answer: AttestedAnswer, plan: EncryptedPlan = asked.plan): Promise<string> {
  const terms = { order: asked.order, orderKey: scene.orderKey.publicJwk, maskSums: [0n] };
  return attestedPartials(plan, answer, terms).then(
    () => 'taken',
    (error: { readonly code?: string }) => error.code ?? 'bug',
  );
}

describe('an attestation', () => {
  test('that says what the Plan says is taken', async () => {
    expect(await outcomeOf(await signedAgain({}))).toBe('taken');
  });

  test.for<[string, Partial<Attestation>]>([
    ['of other noise', { noise: ['1/1000'] }],
    ['of one noise too many', { noise: ['1', '1'] }],
    ['under another key', { keyId: 'key-2' }],
    ['over another manifest', { manifestDigest: `sha256:${'0'.repeat(64)}` }],
    ['by another mechanism', { mechanism: 'laplace' }],
  ])('%s is refused', async ([, changes]) => {
    expect(await outcomeOf(await signedAgain(changes))).toBe('CUSTODIAN_REFUSED');
  });

  test('for the order of another Plan, with the same noise, is refused', async () => {
    const other = scene.compile(`${SQL} WHERE region = 'north'`).plan as EncryptedPlan;
    expect(await outcomeOf(await signedAgain({}), other)).toBe('CUSTODIAN_REFUSED');
  });

  test('over more values than the Plan has, or one that is no residue, is refused', async () => {
    const [value = 0n] = asked.answer.values;
    const { plainModulus } = profileOf(asked.plan.encrypted.profile);
    for (const values of [[value, value], [], [plainModulus], [-1n]])
      expect(await outcomeOf(await signedAgain({}, values))).toBe('CUSTODIAN_REFUSED');
  });
});
