/** The cipher of sealed data follows the crypto profile, and a jailed reader opens what was sealed under either. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readHead } from '#crypto/at-rest/envelope-head.ts';
import { PROFILES, type Profile } from '#crypto/profile.ts';
import { readKeysConfig } from '#gateway/keys/keys-file.ts';
import { openReader, type Reader } from '#sandbox/reader/reader.ts';
import { makeDirectory, PEOPLE, SECRET_NAME, writeSource } from '#tests/reader/source-files.ts';
import { keyPlace } from './key-place.ts';

const directory = makeDirectory();
afterAll(() => rmSync(directory, { recursive: true }));

test.for(['international', 'sm'] satisfies Profile[])(
  '%s: sealed by its suite, opened in the jail',
  async (profile) => {
    const place = await keyPlace(profile);
    try {
      const plain = join(directory, `${profile}.parquet`);
      await writeSource(PEOPLE, plain);
      const path = await place.seal(plain);
      const envelope = readFileSync(path);
      const { suite, object, wrapped } = readHead(envelope);
      expect(suite).toBe(PROFILES[profile].storage);
      expect(envelope.includes(SECRET_NAME)).toBe(false);
      // The control of the search: the plain file holds the name.
      expect(readFileSync(plain).includes(SECRET_NAME)).toBe(true);
      const open = async (file: string): Promise<Reader> =>
        openReader({
          source: { type: 'parquet', path: file, sealed: { key: 'steps' } },
          jail: 'preferred',
          scratchParent: directory,
          released: {
            dataKey: Buffer.from(await place.kms.unwrap(wrapped[0]!, object.context)),
            objectId: object.objectId,
            context: object.context,
          },
        });
      const reader = await open(path);
      expect(await reader.query('SELECT count(*), max(name) FROM source')).toEqual([[8n], ['person 7']]);
      await reader.close();
      const changed = join(directory, `${profile}.changed`);
      envelope[envelope.length - 20] = envelope[envelope.length - 20]! ^ 1;
      writeFileSync(changed, envelope);
      await expect(open(changed)).rejects.toMatchObject({ code: expect.any(String) as string });
    } finally {
      await place.close();
    }
  },
);

test('keys.yaml may name a cipher; without one it is that of the profile', () => {
  const suiteOf = (profile: Profile, cipher?: string): number => {
    const file = join(directory, 'keys.yaml');
    writeFileSync(file, JSON.stringify({ kind: 'Keys', service: 'local', ...(cipher && { cipher }) }));
    return readKeysConfig(directory, file, profile).suite;
  };
  expect([suiteOf('international'), suiteOf('sm')]).toEqual([1, 2]);
  expect([suiteOf('sm', 'aes-256-gcm'), suiteOf('international', 'sm4-gcm')]).toEqual([1, 2]);
});
