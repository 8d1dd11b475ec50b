/** How much of the machine's own AES-256-GCM is left once it is an envelope: id AR1. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { openEnvelope } from '#crypto/at-rest/open.ts';
import { sealEnvelope } from '#crypto/at-rest/seal.ts';
import { type Benchmark, lineOf, pairsOf, type Subject } from './measure.ts';

const MEBIBYTE = 2 ** 20;
const PAIRS = 9;
const EXPECTED = { objectId: 'bench', context: { dataset: 'bench', version: '1' } };

const SUBJECT: Subject = {
  id: 'AR1',
  name: 'sealing and opening an envelope, MiB a second',
  unit: 'ratio',
  better: 'higher',
  against: 'raw AES-256-GCM of node:crypto over the same MiBs, both ways',
};

export const ENVELOPE: Benchmark = {
  ids: ['AR1'],
  async *run(_asked, { small }) {
    const key = randomBytes(32);
    const segments = small ? 2 : 256;
    const ratios = await pairsOf(
      small ? 1 : PAIRS,
      () => envelopeTimes(key, segments),
      () => rawTimes(key, segments),
    );
    // Of times; the speeds are the other way round.
    yield lineOf(
      SUBJECT,
      ratios.map((ratio) => 1 / ratio),
    );
  },
};

/** Every MiB sealed, and each part opened as it comes; nothing is kept. */
async function envelopeTimes(key: Uint8Array, segments: number): Promise<void> {
  const options = { suite: 1, dataKey: key, wrapped: [], ...EXPECTED } as const;
  let bytes = 0;
  for await (const part of openEnvelope(key, EXPECTED, sealEnvelope(options, mebibytes(segments)))) {
    bytes += part.length;
  }
  if (bytes !== segments * MEBIBYTE) throw new RangeError('the envelope lost something');
}

/** The same bytes by the cipher alone: a MiB each time, with a tag, encrypted and decrypted. */
async function rawTimes(key: Uint8Array, segments: number): Promise<void> {
  const nonce = Buffer.alloc(12);
  for (const plaintext of mebibytes(segments)) {
    const cipher = createCipheriv('aes-256-gcm', key, nonce);
    const ciphertext = cipher.update(plaintext);
    cipher.final();
    const decipher = createDecipheriv('aes-256-gcm', key, nonce).setAuthTag(cipher.getAuthTag());
    decipher.update(ciphertext);
    decipher.final();
  }
}

function* mebibytes(count: number): Generator<Uint8Array> {
  const one = Buffer.alloc(MEBIBYTE, 7);
  for (let at = 0; at < count; at += 1) yield one;
}
