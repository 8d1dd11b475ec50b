/** A platform of profile `sm`: its receipts, its log and its key set, verified from files; and keys that keep their profile. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { generateEvidenceKey } from '#crypto/evidence-key.ts';
import { parseVerifier } from '#crypto/log/note.ts';
import { gatewayConfig, runnerConfig } from '#gateway/config.ts';
import { serve, type Served, type ServeOptions } from '#gateway/embedded.ts';
import { loadKeys, receiptKeyOf } from '#gateway/services/key-files.ts';
import { commandLine } from '#tests/cli/captured-terminal.ts';
import { Folder } from '#tests/lab/lab-process.ts';
import { csvOf, manifestOf, policyOf } from '#tests/lab/small-data.ts';
import { openGrant, openShop } from '#tests/support/journey.ts';

const folder = new Folder();
const line = commandLine();
afterAll(() => {
  folder[Symbol.dispose]();
  line.remove();
});

describe('a platform of profile sm', () => {
  const options: ServeOptions = {
    dataDir: join(folder.path, 'server'),
    host: '127.0.0.1',
    gatewayPort: 0,
    runnerPort: 0,
    timeZone: 'Asia/Shanghai',
    cryptoProfile: 'sm',
    reportAbort: () => undefined,
    reportBug: (error) => {
      throw error;
    },
  };
  let served: Served;
  let evidence: { readonly receipt: string | null; readonly proof: string | null };
  let keySet: { readonly keys: readonly Readonly<Record<string, unknown>>[] };
  let logKey: string;

  beforeAll(async () => {
    served = await serve(options);
    const shop = await openShop(served);
    const { provider, buyer } = shop;
    folder.write('data.csv', csvOf([{ uid: 1, age: 30, zip: 'n' }]));
    await provider.registerDataset({
      manifest: JSON.stringify(manifestOf('data.csv')),
      policy: JSON.stringify(policyOf({ timing: 'exact' })),
      baseDirectory: folder.path,
    });
    await openGrant(shop, { id: 'g', dataset: 'people', columns: ['age', 'zip'] });
    const sql = 'SELECT COUNT(*) FROM people';
    const { id } = await buyer.submit({ grant: 'g', purpose: 'public_health', sql });
    await buyer.waitForJob(id);
    evidence = await buyer.receipt(id);
    keySet = (await buyer.keySet()) as typeof keySet;
    logKey = (await buyer.logKey()).trim();
    await served.close();
  }, 60_000);

  test('publishes SM2 keys for receipts, statements and the log; access tokens stay EdDSA', () => {
    const kinds = keySet.keys.map(({ kty, crv, alg }) => [kty, crv, alg]);
    expect(kinds).toEqual([
      ['OKP', 'Ed25519', 'EdDSA'],
      ['EC', 'SM2', 'SM2SM3'],
      ['EC', 'SM2', 'SM2SM3'],
    ]);
    expect(parseVerifier(logKey).key.crv).toBe('SM2');
  });

  test('`unseen verify` holds its receipt, proof and checkpoint, from files, as it holds any other', async () => {
    const path = (name: string, text: string): string => {
      writeFileSync(join(line.directory, name), text);
      return join(line.directory, name);
    };
    const words = [
      'verify',
      path('receipt.jwt', evidence.receipt!),
      '--keys',
      path('jwks.json', JSON.stringify(keySet)),
      '--proof',
      path('proof.txt', evidence.proof!),
    ];
    const { code, out } = await line.run([...words, '--log-key', path('log.key', logKey), '--json']);
    const result = JSON.parse(out) as { readonly verdict: string; readonly payload: object };
    expect([code, result.verdict]).toEqual([0, 'valid']);
    expect(result.payload).toMatchObject({ cryptoProfile: 'sm', decision: 'released' });
    const foreign = loadKeys(join(folder.path, 'foreign'), {
      logOrigin: parseVerifier(logKey).name,
      receiptKeyFile: null,
      cryptoProfile: 'sm',
    });
    const keyFile = path('foreign.json', JSON.stringify({ keys: foreign.receipts }));
    const untrusted = await line.run([...words.slice(0, 3), keyFile, '--json']);
    expect(untrusted.code).not.toBe(0);
    expect(untrusted.out).toContain('KEY_UNKNOWN');
  });

  test('does not start again under the other profile, and starts under its own', async () => {
    await expect(serve({ ...options, cryptoProfile: undefined })).rejects.toMatchObject({
      code: 'CONFIG',
      message: expect.stringMatching(/profileFixed|cryptoProfile/) as string,
    });
    const again = await serve(options);
    await again.close();
  }, 60_000);
});

describe('key files', () => {
  const directory = (name: string): string => join(folder.path, name);
  const load = (name: string, cryptoProfile: 'international' | 'sm', receiptKeyFile: string | null = null) =>
    loadKeys(directory(name), { logOrigin: 'log', receiptKeyFile, cryptoProfile });
  const CONFIG = expect.objectContaining({ code: 'CONFIG' }) as Error;

  test.for([
    ['international', 'sm'],
    ['sm', 'international'],
  ] as const)('made under %s they are refused under %s, by file and name', (pair) => {
    const [made, asked] = pair;
    const { log } = load(made, made);
    expect(load(made, made).log.key.kid).toBe(log.key.kid);
    expect(() => load(made, asked)).toThrow(CONFIG);
    expect(() => receiptKeyOf(directory(made), asked)).toThrow(CONFIG);
    // What is refused changes nothing.
    expect(load(made, made).log.key.kid).toBe(log.key.kid);
  });

  test('the key of tokens is Ed25519 under both', () => {
    expect(
      [load('sm', 'sm'), load('international', 'international')].map(({ token }) => token.publicJwk.crv),
    ).toEqual(['Ed25519', 'Ed25519']);
  });

  test("a runner's public key of another profile than the gateway's is refused", () => {
    const file = folder.write('receipt-key.public.jwk', generateEvidenceKey('sm').publicJwk);
    expect(load('apart', 'sm', file).receipts[0]).toMatchObject({ crv: 'SM2' });
    expect(() => load('apart-too', 'international', file)).toThrow(CONFIG);
  });

  test('a private key is written once, for its owner alone', () => {
    const file = join(directory('sm'), 'keys', 'log-key.jwk');
    expect(existsSync(file)).toBe(true);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ kty: 'EC', crv: 'SM2' });
  });
});

test('both processes take the profile from the environment, and no other name', () => {
  for (const configOf of [gatewayConfig, runnerConfig]) {
    expect(configOf({}).cryptoProfile).toBe('international');
    expect(configOf({ UNSEEN_CRYPTO_PROFILE: 'sm' }).cryptoProfile).toBe('sm');
    for (const name of ['SM', 'gm', 'constructor'])
      expect(() => configOf({ UNSEEN_CRYPTO_PROFILE: name })).toThrow('UNSEEN_CRYPTO_PROFILE');
  }
});
