/**
 * A process that exports every usage record that an account may read, as CSV to nowhere, and says what it took.
 *
 * Arguments: the database's address and the account. Prints rows, milliseconds and the process's peak memory (VmHWM).
 */
import { createWriteStream, readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { generateSigningKey } from '#crypto/ed25519-key.ts';
import { callerOf } from '#gateway/auth/authenticate.ts';
import type { Shell } from '#gateway/services/shell.ts';
import { usageFile } from '#gateway/services/reports/usage-export.ts';
import { openDatabase } from '#gateway/storage/database.ts';
import { findAccount } from '#gateway/storage/parties.ts';
import { policyEngine } from '#policies/decide.ts';
import { msOf } from './measure.ts';

const EVERYTHING = {
  from: null,
  to: null,
  grant: null,
  account: null,
  buyer: null,
  provider: null,
  dataset: null,
  purpose: null,
  scene: null,
  outcome: null,
  product: null,
} as const;

const [url = '', id = ''] = process.argv.slice(2);
const db = await openDatabase({ url });
const account = await findAccount(db, id);
if (account === null) throw new RangeError(`no account ${id}`);
const signingKey = generateSigningKey();
const shell: Shell = {
  db,
  policies: policyEngine(),
  trial: null,
  keys: {
    token: signingKey,
    log: { name: 'unseen.example/log', key: signingKey },
    statement: signingKey,
    receipts: [],
  },
  publicUrl: 'https://unseen.example',
  timeZone: 'Asia/Shanghai',
  channel: 'operation',
  ratePerMinute: 1,
  now: Date.now,
  reportBug: (error) => process.stderr.write(`${String(error)}\n`),
};
let rows = -1;
const ask = { filter: EVERYTHING, format: 'csv', extract: null } as const;
const counted = async function* (): AsyncGenerator<string> {
  for await (const piece of usageFile(shell, callerOf(account), ask)) {
    rows += piece.split('\r\n').length - 1;
    yield piece;
  }
};
const before = process.cpuUsage();
const ms = await msOf(() => pipeline(Readable.from(counted()), createWriteStream('/dev/null')));
const { user, system } = process.cpuUsage(before);
await db.close();
const [, peakKiB = '0'] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
process.stdout.write(
  `${JSON.stringify({ rows, ms, cpuMs: (user + system) / 1_000, peakMiB: Number(peakKiB) / 1_024 })}\n`,
);
