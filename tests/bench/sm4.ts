/** SM4: sealing one segment of the envelope, 1 MiB, with SM4-GCM; the rate divided by that of sm-crypto-v2's in the same run. */
import { randomBytes } from 'node:crypto';
import { sm4 } from 'sm-crypto-v2';
import { sm4Gcm } from '#crypto/sm/sm4-gcm.ts';
import { type Benchmark, lineOf, pairsOf, type Subject } from './measure.ts';

const SUBJECT: Subject = {
  id: 'SM4',
  name: 'SM4-GCM, 1 MiB sealed: rate divided by the rate of sm-crypto-v2',
  unit: 'ratio',
  better: 'higher',
  against: 'at least 2',
};

const PAIRS = 9;
const MIB = 1 << 20;

export const SEALING_SM4: Benchmark = {
  ids: [SUBJECT.id],
  async *run(_asked, { small }) {
    const [key, nonce, aad] = [randomBytes(16), randomBytes(12), randomBytes(40)];
    const text = randomBytes(small ? 4_096 : 4 * MIB);
    const segment = small ? text.length : MIB;
    const segments = Array.from({ length: text.length / segment }, (_, at) =>
      text.subarray(at * segment, (at + 1) * segment),
    );
    const ours = async (): Promise<void> => {
      for (const part of segments) sm4Gcm.seal(key, nonce, aad, part);
    };
    const options = {
      mode: 'gcm',
      iv: nonce,
      associatedData: aad,
      output: 'array',
      outputTag: true,
    } as const;
    const theirs = async (): Promise<void> => {
      for (const part of segments) sm4.encrypt(part, key, options);
    };
    const times = await pairsOf(small ? 2 : PAIRS, ours, theirs);
    yield lineOf(
      SUBJECT,
      times.map((ratio) => 1 / ratio),
    );
  },
};
