/** The opening of an envelope writes to memory only, and leaves nothing of one that is not whole. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { EnvelopeError } from '#crypto/at-rest/envelope-error.ts';
import { sealEnvelope } from '#crypto/at-rest/seal.ts';
import { unseal } from '#sandbox/reader/unseal.ts';
import { makeDirectory } from '#tests/reader/source-files.ts';

const CONTEXT = { dataset: 'people', lineage: 'people', object: 'o-1' };
/** TMPFS_MAGIC of linux/magic.h. */
const hasMemory = existsSync('/dev/shm') && statfsSync('/dev/shm').type === 0x01021994;
const directory = makeDirectory();
const memory = hasMemory ? mkdtempSync('/dev/shm/unseen-unseal-') : directory;
const plain = randomBytes(2_000);
const dataKey = randomBytes(32);
afterAll(() => {
  for (const made of [directory, memory]) rmSync(made, { recursive: true, force: true });
});

async function sealed(): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  const options = {
    suite: 1,
    dataKey,
    wrapped: [],
    objectId: 'o-1',
    context: CONTEXT,
    segmentBytes: 256,
  } as const;
  for await (const part of sealEnvelope(options, [plain])) parts.push(Buffer.from(part));
  return Buffer.concat(parts);
}

test('nothing is written where there is no memory file system', async () => {
  const from = join(directory, 'a.sealed');
  writeFileSync(from, await sealed());
  // A file of /proc/self cannot be made: whoever tried would get another error.
  expect(() => unseal({ from, objectId: 'o-1', context: CONTEXT }, '/proc/self/plain', dataKey)).toThrow(
    'plaintext goes to memory only',
  );
});

test.skipIf(!hasMemory)('what was written of an envelope that breaks off is removed', async () => {
  const whole = await sealed();
  const [from, cut] = [join(directory, 'b.sealed'), join(directory, 'c.sealed')];
  writeFileSync(from, whole);
  writeFileSync(cut, whole.subarray(0, -300));
  const target = join(memory, 'plain');
  expect(() => unseal({ from: cut, objectId: 'o-1', context: CONTEXT }, target, dataKey)).toThrow(
    EnvelopeError,
  );
  expect(existsSync(target)).toBe(false);
  // The control: the whole one is written, segment by segment, at the same place.
  unseal({ from, objectId: 'o-1', context: CONTEXT }, target, dataKey);
  expect(readFileSync(target).equals(plain)).toBe(true);
});
