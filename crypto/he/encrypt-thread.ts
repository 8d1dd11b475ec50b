/**
 * A thread that encrypts: blocks of integers come in, ciphertexts go out, with an instance of the library of its own.
 *
 * It has the public key alone. What goes wrong is a code; after a trap it answers nothing but that.
 */
import { hash } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';

import { BlockEncryptor } from './encrypt.ts';
import type { EncryptedBlock, ThreadData, ThreadTask } from './encryption-threads.ts';
import { HeError } from './he-error.ts';
import { Seal } from './seal.ts';

const { profile, publicKey } = workerData as ThreadData;
const port = parentPort!;

const opening = Seal.open(profile).then((seal) => new BlockEncryptor(seal, publicKey));

async function answer({ values }: ThreadTask): Promise<EncryptedBlock> {
  const encryptor = await opening;
  const ciphertexts = values.map((slots) => encryptor.encryptBlock(slots));
  return { ciphertexts, digests: ciphertexts.map((bytes) => hash('sha256', bytes, 'hex')) };
}

port.on('message', (task: ThreadTask) => {
  answer(task).then(
    (block) =>
      port.postMessage(
        { block },
        block.ciphertexts.map(({ buffer }) => buffer as ArrayBuffer),
      ),
    (error: unknown) =>
      port.postMessage({ code: error instanceof HeError ? error.code : 'LIBRARY_UNUSABLE' }),
  );
});
