/** `unseen demo` as a user runs it: the whole life of an answer, in one process started from nothing. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { isJailMissing } from '#tests/jail/jail-presence.ts';
import { SPARE_ENVIRONMENT } from '#tests/support/spare-environment.ts';

const BIN = fileURLToPath(new URL('../../gateway/bin.js', import.meta.url));

/** A command where there is no network but the loopback, if such a place can be made here. */
function alone(...command: readonly string[]): [string, string[]] {
  const [file = '', ...args] = isJailMissing
    ? command
    : ['bwrap', '--dev-bind', '/', '/', '--unshare-net', '--', ...command];
  return [file, args];
}

test('the demo answers, refuses, repeats, verifies, and exits 0', () => {
  const { status, stdout, stderr } = spawnSync(...alone(process.execPath, BIN, 'demo'), {
    encoding: 'utf8',
    env: { ...SPARE_ENVIRONMENT, LANG: 'C', CI: process.env['CI'] },
    timeout: 120_000,
  });
  expect(stderr).toBe('');
  expect(status).toBe(0);
  expect(stdout.match(/^the buyer asks/gm)).toHaveLength(6);
  expect(stdout).toMatch(/^refused with NOT_AGGREGATE: /m);
  expect(stdout).toMatch(/^refused with PURPOSE_NOT_GRANTED: /m);
  expect(stdout).toMatch(/same answer from store, at no cost \(every value equal\)/);
  expect(stdout).toMatch(/^unseen verify: valid /m);
  expect(stdout).toMatch(/7 requests, 5 released, 2 refused/);
  expect(stdout).toMatch(/^jail layers in force: /m);
  // Each of the four answered questions stands beside its interval.
  expect(stdout.match(/95 % INTERVAL/g)).toHaveLength(4);
  // Rare diagnoses (a handful of patients) are not among the thresholded keys.
  expect(stdout).not.toMatch(/^(E75|G71|G10)\b/m);
}, 150_000);

test.skipIf(isJailMissing)('control: where it runs there is no way out', () => {
  const script = "require('node:net').connect(53, '192.0.2.1').on('error', ({ code }) => console.log(code))";
  const { stdout } = spawnSync(...alone(process.execPath, '-e', script), {
    encoding: 'utf8',
    timeout: 20_000,
  });
  expect(stdout.trim()).toBe('ENETUNREACH');
});

test('in Chinese, the same', () => {
  const { status, stdout } = spawnSync(process.execPath, [BIN, 'demo', '--help'], {
    encoding: 'utf8',
    env: { ...SPARE_ENVIRONMENT, LANG: 'zh_CN.UTF-8' },
  });
  expect(status).toBe(0);
  expect(stdout).toContain('在全新的临时目录中启动全部组件');
});
