/** What the process that is killed and the test that kills it both know: the custodian and its orders. */
import { sha256Hex } from '#crypto/canonical.ts';
import type { SigningKey } from '#crypto/ed25519-key.ts';
import { renderPlan, signOrder } from '#crypto/he/order.ts';
import { Custodian } from '#gateway/custodian/custodian.ts';
import { secureRandom } from '#sandbox/release/random.ts';
import { ciphertextOf, COUNT, KEY_ID, MANIFEST, PLAN, RULES, SHAPE, SlotReader } from './scene.ts';

export interface LoopKeys {
  readonly platform: SigningKey;
  readonly key: SigningKey;
  readonly log: SigningKey;
}

const LIMITS = {
  perOrder: { epsilon: 1, delta: 1e-6, outputs: 64 },
  perKey: { epsilon: 1e9, delta: 1e-6, orders: 1_000_000, releases: 10_000_000 },
};

/** Opens the custodian of a directory, which reads slots in the clear. */
export function loopScene(
  directory: string,
  { platform, key, log }: LoopKeys,
): { custodian: Custodian; signer: SigningKey; kid: string } {
  const reader = new SlotReader();
  const custodian = Custodian.open({
    directory,
    rules: { ...RULES, platformKeys: [platform.publicJwk], limits: LIMITS },
    key,
    log: { name: 'custodian.test/log', key: log },
    datasets: new Map([[MANIFEST, { keyId: KEY_ID, shape: SHAPE }]]),
    decryptorOf: () => reader,
    random: secureRandom(),
    now: Date.now,
  });
  return { custodian, signer: platform, kid: key.kid };
}

/** An order for a count in two cells. */
export async function loopOrder(
  orderId: string,
  signer: SigningKey,
  audience: string,
): Promise<{ jws: string; ciphertexts: Uint8Array }> {
  const ciphertext = ciphertextOf([1n, 2n, 3n]);
  const jws = await signOrder(
    {
      orderId,
      audience,
      keyId: KEY_ID,
      manifestDigest: MANIFEST,
      planDigest: `sha256:${sha256Hex('the whole plan')}`,
      plan: renderPlan({ ...PLAN, measures: [COUNT] }),
      outputs: [0, 1].map((cell) => ({
        measure: 0,
        cell,
        circuit: 'count',
        ciphertextDigest: `sha256:${sha256Hex(ciphertext)}`,
      })),
      purpose: 'public_health',
      issuedAt: new Date(Date.now() - 1_000).toISOString(),
      expiresAt: new Date(Date.now() + 300_000).toISOString(),
    },
    signer,
  );
  return { jws, ciphertexts: Buffer.concat([ciphertext, ciphertext]) };
}
