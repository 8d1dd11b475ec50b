/** A custodian that answers order after order and says so, to be killed: `answer-loop.ts DIRECTORY KEYS`. */
import { importSigningKey, type PrivateJwk } from '#crypto/ed25519-key.ts';
import { orderDigestOf } from '#crypto/he/order.ts';
import { loopScene, loopOrder } from './kill-scene.ts';

const [, , directory = '', keys = ''] = process.argv;
const { platform, key, log } = JSON.parse(keys) as Record<'platform' | 'key' | 'log', PrivateJwk>;
const { custodian, signer, kid } = loopScene(directory, {
  platform: importSigningKey(platform),
  key: importSigningKey(key),
  log: importSigningKey(log),
});
for (let number = 0; ; number += 1) {
  const order = await loopOrder(`${process.pid}-${number}`, signer, kid);
  process.stdout.write(`asked ${order.jws}\n`);
  const body = await custodian.answer(order.jws, order.ciphertexts);
  process.stdout.write(`answered ${orderDigestOf(order.jws)} ${body}\n`);
}
