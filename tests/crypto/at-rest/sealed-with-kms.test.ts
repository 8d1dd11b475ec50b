/** An envelope whose data key a key-management service keeps: every bit of the head counts, and a destroyed key ends it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EnvelopeError } from '#crypto/at-rest/envelope-error.ts';
import { headLength, readHead, rewrapHead } from '#crypto/at-rest/envelope-head.ts';
import { type KmsAdapter, KmsError } from '#crypto/kms/adapter.ts';
import { createLocalKeyring, openLocalKms } from '#crypto/kms/local.ts';
import { createKeyFile } from '#crypto/kms/root-key.ts';
import { lockDirectory } from '#gateway/storage/directory-lock.ts';
import { counted, EXPECTED, opened, type Outcome, sealed } from './samples.ts';

let directory: string;
let kms: KmsAdapter;
let envelope: Buffer;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'unseen-sealed-'));
  const keyFile = join(directory, 'root.key');
  createKeyFile(keyFile);
  createLocalKeyring({ directory, root: { keyFile } }, 1);
  kms = openLocalKms({
    directory,
    root: { keyFile },
    now: () => '2026-11-21T12:00:00.000Z',
    lock: lockDirectory,
  });
  await kms.createKey('visits-3');
  const { plaintext, wrapped } = await kms.generateDataKey('visits-3', EXPECTED.context, 32);
  envelope = await sealed(counted(150), { dataKey: plaintext, wrapped: [wrapped] });
});

afterAll(async () => {
  await kms.close();
  rmSync(directory, { recursive: true });
});

/** As whoever holds the service reads it: head, data key, segments. */
async function openedByKms(bytes: Buffer): Promise<Outcome> {
  try {
    const [wrapped] = readHead(bytes).wrapped;
    if (wrapped === undefined) return { given: Buffer.alloc(0), code: 'NO_KEY' };
    return await opened([bytes], { key: await kms.unwrap(wrapped, EXPECTED.context) });
  } catch (error) {
    if (!(error instanceof EnvelopeError) && !(error instanceof KmsError)) throw error;
    return { given: Buffer.alloc(0), code: error.code };
  }
}

test('one bit changed anywhere in the head, wrapped key included, gives nothing', async () => {
  expect(await openedByKms(envelope)).toEqual({ given: counted(150), code: null });
  for (let at = 0; at < headLength(envelope)!; at += 1) {
    const flipped = Buffer.from(envelope);
    flipped[at]! ^= 1 << (at % 8);
    const { given, code } = await openedByKms(flipped);
    expect(code).not.toBeNull();
    expect(given).toHaveLength(0);
  }
}, 20_000);

test('after a rotation the head is rewrapped, the old version destroyed, and the segments were never touched', async () => {
  await kms.rotate('visits-3');
  const at = headLength(envelope)!;
  const [wrapped] = readHead(envelope).wrapped;
  const head = rewrapHead(envelope, [await kms.rewrap(wrapped!, EXPECTED.context)]);
  const rewrapped = Buffer.concat([head, envelope.subarray(at)]);
  await kms.destroyBefore('visits-3', 2);
  expect(await openedByKms(rewrapped)).toEqual({ given: counted(150), code: null });
  expect((await openedByKms(envelope)).code).toBe('KEY_DESTROYED');
  await kms.destroy('visits-3');
  expect((await openedByKms(rewrapped)).code).toBe('KEY_DESTROYED');
});
