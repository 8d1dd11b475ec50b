/** The custodian as a process, with real keys: an answer, kills, a ciphertext that is none, its files, its command line. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Evaluation } from '#crypto/he/evaluate.ts';
import { BlockEncryptor } from '#crypto/he/encrypt.ts';
import { openAttestation } from '#crypto/he/order.ts';
import { Seal } from '#crypto/he/seal.ts';
import { identityOf } from '#gateway/custodian/home.ts';
import { CustodianClient } from '#gateway/custodian/client.ts';
import { noiseOfOrder } from '#sandbox/encrypted/order-noise.ts';
import { noiseTailOf } from '#sandbox/release/noise.ts';
import { secureRandom } from '#sandbox/release/random.ts';
import { commandLine } from '#tests/cli/captured-terminal.ts';
import { CustodianHome, type Serving } from './home.ts';
import { centred, COUNT, outcomeOf, PLAN, SHAPE } from './scene.ts';

let home: CustodianHome;
let seal: Seal;
let serving: Serving;
beforeAll(async () => {
  home = await CustodianHome.make();
  seal = await Seal.open('bfv-agg-8k');
  serving = await home.serve();
}, 60_000);
afterAll(async () => {
  seal?.[Symbol.dispose]();
  await home?.[Symbol.asyncDispose]();
});

const COUNTED = { ...PLAN, measures: [COUNT] };
const random = secureRandom();

interface Masked {
  readonly ciphertext: Uint8Array;
  readonly maskSum: bigint;
}

/** An encrypted count of so many rows, masked. */
function masked(rows: number): Masked {
  const t = seal.profile.plainModulus;
  using encryptor = new BlockEncryptor(seal, home.publicKey);
  using evaluation = new Evaluation(seal, { publicKey: home.publicKey, relinKeys: null });
  const block = encryptor.encryptBlock(new BigInt64Array(rows).fill(1n));
  const mask = BigUint64Array.from({ length: seal.profile.slots }, () => random.bigBelow(t));
  const ciphertext = evaluation.mask(evaluation.addAll([block]), mask);
  return { ciphertext, maskSum: mask.reduce((sum, r) => sum + r, 0n) % t };
}

const client = (times = {}): CustodianClient => new CustodianClient(home.addressOf(serving.url), times);

async function restart(): Promise<void> {
  serving.child.kill('SIGKILL');
  await serving.ended;
  serving = await home.serve();
}

describe('a custodian process', () => {
  test('decrypts masked sums, adds the noise that it attests, and keeps its answer through kill -9', async () => {
    const sums = [masked(4_000), masked(321)];
    const ciphertexts = sums.map(({ ciphertext }) => ciphertext);
    const order = await home.order(ciphertexts, 'whole', COUNTED);
    const answer = await client().answer(order, ciphertexts);
    const { publicJwk } = identityOf(home.directory);
    await openAttestation(answer, { keys: [publicJwk], orderJws: order });
    const tail = noiseTailOf(noiseOfOrder(COUNTED, SHAPE)[0]!);
    const counts = answer.values.map((value, at) => centred(value - sums[at]!.maskSum));
    for (const [at, rows] of [4_000n, 321n].entries()) {
      const off = counts[at]! - rows;
      expect(off < tail && off > -tail).toBe(true);
    }
    await restart();
    expect(await client().answer(order, ciphertexts)).toEqual(answer);
  }, 60_000);

  test('killed amid an order counts it as spent, or has its answer', async () => {
    const { ciphertext } = masked(5);
    const order = await home.order([ciphertext, ciphertext], 'killed', COUNTED);
    const asked = client({ totalMs: 300 }).answer(order, [ciphertext, ciphertext]);
    const waited = outcomeOf(asked);
    while (!home.journal().some(({ type, orderId }) => type === 'reserved' && orderId === 'killed'))
      await new Promise((resolve) => setImmediate(resolve));
    serving.child.kill('SIGKILL');
    await waited;
    await serving.ended;
    const wasAnswered = home
      .journal()
      .some(({ type, orderId }) => type === 'answered' && orderId === 'killed');
    serving = await home.serve();
    const outcome = await outcomeOf(client().answer(order, [ciphertext, ciphertext]));
    const isAnswer = typeof outcome === 'object' && outcome !== null && 'attestation' in outcome;
    expect(isAnswer ? 'answered' : outcome).toBe(wasAnswered ? 'answered' : 'CUSTODIAN_REFUSED');
  }, 60_000);

  test('survives ciphertexts that are none: the order is spent, the next one is answered', async () => {
    const { ciphertext } = masked(7);
    const flipped = new Uint8Array(ciphertext);
    flipped.fill(0xff, flipped.length / 2);
    for (const [at, broken] of [new Uint8Array(64), ciphertext.subarray(1), flipped].entries()) {
      const order = await home.order([broken, broken], `broken-${at}`, COUNTED);
      await expect(client().answer(order, [broken, broken])).rejects.toMatchObject({
        code: 'CUSTODIAN_REFUSED',
        sentence: { id: 'custodian.spent' },
      });
    }
    const order = await home.order([ciphertext, ciphertext], 'after', COUNTED);
    expect((await client().answer(order, [ciphertext, ciphertext])).values).toHaveLength(2);
  }, 60_000);

  test('is the only one on its directory', async () => {
    await expect(home.serve()).rejects.toThrow('the custodian ended with STATE_BUSY');
  }, 30_000);

  test('keeps no secret key in the clear, and no file for others to read', () => {
    const [file = ''] = readdirSync(join(home.directory, 'keys')).filter((name) => name.startsWith('he-'));
    const sealed = JSON.parse(readFileSync(join(home.directory, 'keys', file), 'utf8')) as { sealed: string };
    // The header of a saved key (SEAL: magic 0xA15E, 16 bytes) would show in the clear.
    expect(Buffer.from(sealed.sealed, 'base64url').subarray(0, 2)).not.toEqual(Buffer.from([0x5e, 0xa1]));
    const open = readdirSync(home.directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((path) => (statSync(path).mode & 0o077) !== 0 && !path.endsWith('lock'));
    expect(open).toEqual([]);
  });
});

describe('the command line', () => {
  const line = commandLine();
  afterAll(() => line.remove());
  const run = (...args: string[]): ReturnType<typeof line.json> =>
    line.json(['custodian', ...args, '--dir', home.directory]);

  test('lists keys and orders, and verifies the log while the custodian runs', async () => {
    expect(await run('keys')).toMatchObject({
      code: 0,
      value: { items: [{ keyId: home.record.keyId, datasets: [{ name: 'visits' }] }] },
    });
    const orders = (await run('orders')).value as { items: { orderId: string; state: string }[] };
    expect(orders.items.find(({ orderId }) => orderId === 'whole')?.state).toBe('answered');
    expect(orders.items.find(({ orderId }) => orderId === 'broken-0')?.state).toBe('failed');
    const logged = await run('log');
    expect(JSON.stringify(logged.value)).not.toContain('"values":["');
    expect(await run('log', '--verify')).toMatchObject({ code: 0, value: { valid: true, misfit: null } });
    const kept = join(home.directory, 'checkpoint.txt');
    expect(await run('log', '--verify', '--kept', kept)).toMatchObject({ code: 0 });
  });

  test('says of a changed log that it does not hold', async () => {
    const journal = join(home.directory, 'journal.jsonl');
    const text = readFileSync(journal, 'utf8');
    writeFileSync(journal, text.replace('"type":"failed"', '"type":"broken"'));
    expect(await run('log', '--verify')).toMatchObject({ code: 5, value: { valid: false } });
    writeFileSync(journal, text);
    expect(await run('log', '--verify')).toMatchObject({ code: 0 });
  });

  test('does not make a key or accept a dataset under a custodian that runs', async () => {
    expect((await run('keys', '--create', 'bfv-agg-8k', '--out', join(line.directory, 'out'))).code).toBe(3);
  });

  test('refuses a manifest of a stranger, a second custodian, a purpose that there is not', async () => {
    const file = join(line.directory, 'key.jwk');
    writeFileSync(file, JSON.stringify(home.provider.publicJwk));
    const init = ['--platform-key', file, '--provider-key', file, '--purpose'];
    expect((await run('init', ...init, 'public_health')).code).toBe(2);
    const fresh = join(line.directory, 'fresh');
    const made = (...args: string[]): ReturnType<typeof line.json> =>
      line.json(['custodian', ...args, '--dir', fresh]);
    expect(await made('init', ...init, 'mischief')).toMatchObject({ code: 2 });
    expect((await made('init', ...init, 'public_health')).code).toBe(0);
    const jws = join(home.directory, '..', 'manifest.jws');
    expect(await made('keys', '--accept', jws)).toMatchObject({
      code: 2,
      value: { error: { code: 'CONFIG' } },
    });
    // Made without certificates, it answers nobody until it has some.
    expect((await made('serve')).code).toBe(2);
  });
});
