/** Rotates keys of a sealed keyring as fast as it can, until it is killed: `node local-writer.ts DIRECTORY KEYFILE`. */
import { openLocalKms } from '#crypto/kms/local.ts';
import { lockDirectory } from '#gateway/storage/directory-lock.ts';

const [directory = '', keyFile = ''] = process.argv.slice(2);
const kms = openLocalKms({
  directory,
  root: { keyFile },
  now: () => new Date().toISOString(),
  lock: lockDirectory,
});
for (;;) {
  await kms.rotate('k');
  const { latestVersion } = await kms.describe('k');
  // What is told here is promised: it must be on disk.
  process.stdout.write(`${latestVersion}\n`);
}
