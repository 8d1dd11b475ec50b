/** The custodian's memory: kills at any point, torn entries, a full disk, and a record that somebody changed. */
import { spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { exportSigningKey, generateSigningKey } from '#crypto/ed25519-key.ts';
import { orderDigestOf } from '#crypto/he/order.ts';
import { type NoteVerifier, verifierOf } from '#crypto/log/note.ts';
import { type JournalEntry, verifyJournal } from '#gateway/custodian/journal.ts';
import { firstMisfit } from '#gateway/custodian/journal-audit.ts';
import { loopOrder, loopScene } from './kill-scene.ts';
import { outcomeOf, Scene } from './scene.ts';

const LOOP = fileURLToPath(new URL('./answer-loop.ts', import.meta.url));

/** Runs the loop until it has said so many lines, and so many milliseconds more; what it said, by line. */
async function killedAfter(
  directory: string,
  keys: string,
  { lines, ms }: { readonly lines: number; readonly ms: number },
): Promise<readonly string[]> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', LOOP, directory, keys], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  const gone = new Promise((resolve) => child.once('close', resolve));
  child.stdout.on('data', (part: Buffer) => {
    said += part.toString();
    if (said.split('\n').length > lines) setTimeout(() => child.kill('SIGKILL'), ms);
  });
  await gone;
  return said.split('\n').slice(0, -1);
}

test('after kill -9 at any moment every answer that left is given again, and every other order is new or spent', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'unseen-kill-'));
  const keys = { platform: generateSigningKey(), key: generateSigningKey(), log: generateSigningKey() };
  const text = JSON.stringify(
    Object.fromEntries(Object.entries(keys).map(([name, key]) => [name, exportSigningKey(key)])),
  );
  const orders = new Map<string, string>();
  const answers = new Map<string, string>();
  for (const [at, ms] of [0, 1, 2, 3, 5].entries()) {
    for (const line of await killedAfter(directory, text, { lines: 4 + 2 * at, ms })) {
      const [what, name = '', ...rest] = line.split(' ');
      if (what === 'asked') orders.set(orderDigestOf(name), name);
      else answers.set(name, rest.join(' '));
    }
    // Opened at each turn: what one kill left must not hide what the next leaves.
    const { custodian } = loopScene(directory, keys);
    await custodian.close();
  }
  const { custodian, signer, kid } = loopScene(directory, keys);
  const { ciphertexts } = await loopOrder('none', signer, kid);
  const before = readFileSync(join(directory, 'journal.jsonl'), 'utf8').split('\n');
  const reserved = new Set(
    before.flatMap((line) => {
      const entry = line === '' ? null : (JSON.parse(line) as JournalEntry);
      return entry?.type === 'reserved' ? [entry.orderDigest] : [];
    }),
  );
  expect(answers.size).toBeGreaterThanOrEqual(2 + 3 + 4 + 5 + 6);
  const wrong: string[] = [];
  for (const [digest, jws] of orders) {
    const outcome = String(await outcomeOf(custodian.answer(jws, ciphertexts)));
    const given = answers.get(digest);
    // What nobody was given may have been stored all the same, just before the kill.
    const isRight =
      given === undefined
        ? outcome.startsWith('{') || (reserved.has(digest) && outcome === 'ORDER_SPENT')
        : outcome === given;
    if (!isRight) wrong.push(`${digest} ${outcome}`);
  }
  expect(wrong).toEqual([]);
  await custodian.close();
  const { entries } = verifyJournal(directory, verifierOf({ name: 'custodian.test/log', key: keys.log }));
  expect(await firstMisfit(entries, [keys.key.publicJwk])).toBeNull();
  rmSync(directory, { recursive: true, force: true });
}, 30_000);

/** A scene with two answered orders, its files at hand. */
async function answered(): Promise<{
  scene: Scene;
  journal: string;
  checkpoint: string;
  verifier: NoteVerifier;
}> {
  const scene = new Scene();
  await scene.ask();
  await scene.ask();
  return {
    scene,
    journal: join(scene.directory, 'journal.jsonl'),
    checkpoint: join(scene.directory, 'checkpoint.txt'),
    verifier: verifierOf(scene.log),
  };
}

test('an entry that a crash cut off is removed, and its order is spent', async () => {
  const { scene, journal, checkpoint } = await answered();
  await using _ = scene;
  const earlier = readFileSync(checkpoint);
  const ciphertexts = Buffer.concat(scene.ciphertexts(4));
  const order = await scene.order(scene.ciphertexts(4));
  await scene.custodian.answer(order, ciphertexts);
  const whole = readFileSync(journal, 'utf8');
  const lines = whole.split('\n').slice(0, -1);
  // Cut within the answer: the reservation stands, its checkpoint is the one that was written after it.
  const start = Buffer.byteLength(`${lines.slice(0, -1).join('\n')}\n`);
  for (const cut of [start + 1, start + 40, Buffer.byteLength(whole) - 1]) {
    writeFileSync(journal, whole);
    truncateSync(journal, cut);
    // The reservation is the one entry that may be without a checkpoint.
    writeFileSync(checkpoint, earlier);
    scene.restart();
    expect(await outcomeOf(scene.custodian.answer(order, ciphertexts))).toBe('ORDER_SPENT');
  }
});

test.for<readonly [string, (text: string) => string]>([
  ['an entry changed', (text) => text.replace('"values":4', '"values":3')],
  ['an entry removed', (text) => text.replace(/^.*"failed".*\n|^.*"answered".*\n/m, '')],
  ['the last entry removed', (text) => text.replace(/[^\n]*\n$/, '')],
  ['two entries swapped', (text) => text.replace(/^([^\n]*\n)([^\n]*\n)/, '$2$1')],
  ['two entries added', (text) => `${text}{"type":"started","at":"x"}\n{"type":"started","at":"y"}\n`],
  ['everything removed', () => ''],
])('with %s a custodian does not start', async ([, change]) => {
  const { scene, journal, verifier } = await answered();
  await using _ = scene;
  const text = readFileSync(journal, 'utf8');
  expect(change(text)).not.toBe(text);
  writeFileSync(journal, change(text));
  expect(() => scene.restart()).toThrow(expect.objectContaining({ code: 'CONFIG' }));
  // Nor is it verified, but where it only goes on beyond what was signed, as while a custodian writes.
  expect(isWhole(scene, verifier)).toBe(change(text).startsWith(text));
});

function isWhole({ directory }: Scene, verifier: NoteVerifier): boolean {
  try {
    return verifyJournal(directory, verifier).entries.length > 0;
  } catch {
    return false;
  }
}

test('an older journal with its older checkpoint is whole to itself, and not to who kept a newer one', async () => {
  const { scene, journal, checkpoint, verifier } = await answered();
  await using _ = scene;
  for (const file of [journal, checkpoint]) copyFileSync(file, `${file}.old`);
  await scene.ask();
  const kept = readFileSync(checkpoint, 'utf8');
  expect(verifyJournal(scene.directory, verifier, kept).entries.length).toBe(7);
  for (const file of [journal, checkpoint]) copyFileSync(`${file}.old`, file);
  expect(verifyJournal(scene.directory, verifier).entries.length).toBe(5);
  expect(() => verifyJournal(scene.directory, verifier, kept)).toThrow(
    expect.objectContaining({ code: 'CONFIG' }),
  );
});

test('another key has signed nothing here', async () => {
  const { scene } = await answered();
  await using _ = scene;
  const stranger = verifierOf({ name: scene.log.name, key: generateSigningKey() });
  expect(() => verifyJournal(scene.directory, stranger)).toThrow(expect.objectContaining({ code: 'CONFIG' }));
});

test('entries that do not add up are named by their number', async () => {
  const { scene, verifier } = await answered();
  await using _ = scene;
  const { entries } = verifyJournal(scene.directory, verifier);
  const keys = [scene.key.publicJwk];
  expect(await firstMisfit(entries, keys)).toBeNull();
  expect(entries.map(({ type }) => type)).toEqual([
    'started',
    'reserved',
    'answered',
    'reserved',
    'answered',
  ]);
  const [started, reserved, body, ...rest] = entries as [
    JournalEntry,
    JournalEntry,
    JournalEntry,
    ...JournalEntry[],
  ];
  const answer = JSON.parse((body as { body: string }).body) as { attestation: string; values: string[] };
  const values = [String(BigInt(answer.values[0]!) + 1n), ...answer.values.slice(1)];
  const forged = { ...body, body: JSON.stringify({ ...answer, values }) } as JournalEntry;
  const misfits = [
    [started, body, ...rest],
    [started, reserved, forged],
    [started, reserved, reserved],
    [started, reserved, body, body],
    [started, { ...reserved, order: 2 } as JournalEntry, body],
    [started, { ...reserved, orderDigest: `sha256:${'0'.repeat(64)}` } as JournalEntry, body],
  ];
  expect(await Promise.all(misfits.map((them) => firstMisfit(them, keys)))).toEqual([2, 3, 3, 4, 2, 3]);
  expect(await firstMisfit([started, reserved, body], [generateSigningKey().publicJwk])).toBe(3);
});

test('a journal that cannot be written stops the custodian before anything is decrypted', async () => {
  await using scene = new Scene();
  await scene.ask();
  const seen = scene.reader.seen.length;
  // The descriptor is closed underneath it, as if the disk had gone.
  await scene.custodian.close();
  const error = await scene.ask().catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'MACHINE_FAULT' });
  expect(scene.reader.seen).toHaveLength(seen);
  scene.restart();
  expect((await scene.ask()).values).toHaveLength(4);
});

test('refused orders of a platform key are on record with their code; what nobody signed is not', async () => {
  await using scene = new Scene();
  await outcomeOf(scene.ask({ purpose: 'insurance' }));
  await outcomeOf(scene.ask({ signedBy: generateSigningKey() }));
  const { entries } = verifyJournal(scene.directory, verifierOf(scene.log));
  expect(entries).toMatchObject([{ type: 'started' }, { type: 'refused', code: 'PURPOSE_FORBIDDEN' }]);
});
