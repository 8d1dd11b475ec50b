/** The command `openssl` as an oracle of its own: another build, another code path, no JavaScript. */
import { spawnSync } from 'node:child_process';

/** What it prints; an Error with what it says when it fails. */
export function openssl(words: readonly string[], input: Uint8Array = new Uint8Array()): Buffer {
  const { status, stdout, stderr, error } = spawnSync('openssl', words, { input });
  if (error !== undefined || status !== 0)
    throw new Error(error?.message ?? `${stderr.toString()}${stdout.toString()}`);
  return stdout;
}

/** Whether it signs with SM2. With CI=true it must, and its tests run and fail where it does not. */
export const isOpensslSm2Missing = !knowsSm2() && process.env['CI'] !== 'true';

function knowsSm2(): boolean {
  try {
    openssl(['genpkey', '-algorithm', 'SM2']);
    return true;
  } catch {
    return false;
  }
}
