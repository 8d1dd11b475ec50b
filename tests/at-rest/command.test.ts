/** `unseen seal`, `unseen key …` and the inventory, as an operator uses them; and the lab over what was sealed. */
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { generateSigningKey } from '#crypto/ed25519-key.ts';
import { runStatements } from '#gateway/demo/generate.ts';
import { keyRelease } from '#gateway/keys/key-release.ts';
import { readKeysConfig } from '#gateway/keys/keys-file.ts';
import { LazyKms } from '#gateway/keys/open-kms.ts';
import { Lab } from '#gateway/lab/lab.ts';
import { inventoryOf } from '#gateway/runner/inventory.ts';
import { commandLine } from '#tests/cli/captured-terminal.ts';
import { startSteps } from '#tests/support/steps-world.ts';

const line = commandLine();
const at = (name: string): string => join(line.directory, name);
const place = ['--data-dir', at('data')];
afterAll(() => line.remove());

test('from nothing: a key, a sealed file, a rotation, a rewrap; nothing is overwritten', async () => {
  mkdirSync(at('data'));
  const plain = randomBytes(3_000_000);
  writeFileSync(at('visits.bin'), plain);
  expect(
    (await line.run(['seal', at('visits.bin'), '--key', 'visits', '--out', at('v.sealed'), ...place])).code,
  ).toBe(2);
  expect(await line.json(['key', 'create', 'visits', ...place])).toMatchObject({
    code: 0,
    value: { latestVersion: 1 },
  });
  expect((await line.run(['key', 'create', 'visits', ...place])).code).toBe(4);
  const seal = ['seal', at('visits.bin'), '--key', 'visits', '--out', at('v.sealed'), ...place];
  const watched = await line.run(seal, { isWatched: true });
  expect(watched.code).toBe(0);
  expect(watched.err).toContain('100 %');
  const before = readFileSync(at('v.sealed'));
  expect(before.includes(plain.subarray(1_000, 1_032))).toBe(false);
  expect(statSync(at('v.sealed')).mode & 0o777).toBe(0o600);
  expect(await line.run(seal)).toMatchObject({ code: 2 });
  expect(readFileSync(at('v.sealed'))).toEqual(before);
  expect(await line.json(['key', 'rotate', 'visits', ...place])).toMatchObject({
    value: { latestVersion: 2 },
  });
  expect(await line.json(['key', 'rewrap', at('v.sealed'), ...place])).toMatchObject({
    value: { items: [{ from: 1, to: 2 }] },
  });
  expect(await line.run(['key', 'rewrap', at('visits.bin'), ...place])).toMatchObject({ code: 3 });
  expect(await line.run(['key', 'disable', 'visits', ...place])).toMatchObject({ code: 0 });
  expect(await line.run(['key', 'rewrap', at('v.sealed'), ...place])).toMatchObject({ code: 4 });
  expect(await line.run(['key', 'enable', 'visits', ...place])).toMatchObject({ code: 0 });
  const { out } = await line.run(['key', 'list', ...place]);
  expect(out).toMatch(/visits +active +2 +AES-256-GCM/);
  expect(readdirSync(line.directory).filter((name) => name.endsWith('.part'))).toEqual([]);
});

test('a key store is opened with its root alone: another root, an exposed passphrase and both at once are refused', async () => {
  const keys = (text: string): string[] => {
    writeFileSync(at('keys.yaml'), text);
    return ['--data-dir', at('data'), '--keys', at('keys.yaml')];
  };
  writeFileSync(at('passphrase'), 'correct horse battery staple\n');
  const byPassphrase = keys(
    'kind: Keys\nservice: local\nlocal: { directory: other, passphraseFile: passphrase }\n',
  );
  expect(await line.run(['key', 'create', 'a', ...byPassphrase])).toMatchObject({ code: 2 });
  chmodSync(at('passphrase'), 0o600);
  expect(await line.run(['key', 'create', 'a', ...byPassphrase])).toMatchObject({ code: 0 });
  writeFileSync(at('passphrase'), 'another horse battery staple\n');
  expect((await line.run(['key', 'list', ...byPassphrase])).err).toContain('ROOT_REFUSED');
  const both = keys('kind: Keys\nservice: local\nlocal: { rootKey: x, passphraseFile: passphrase }\n');
  expect(await line.run(['key', 'list', ...both])).toMatchObject({ code: 2 });
  const unknown = keys('kind: Keys\nservice: local\nwaitDays: 3\n');
  expect((await line.run(['key', 'list', ...unknown])).err).toContain('waitDays');
  const plainHttp = keys(
    'kind: Keys\nservice: vault\nvault: { address: "http://x", caFile: a, tokenFile: b }\n',
  );
  expect(await line.run(['key', 'list', ...plainHttp])).toMatchObject({ code: 2 });
});

test('the inventory has every key version and every sealed version, and no key', async () => {
  const kms = new LazyKms(readKeysConfig(at('data'), undefined));
  const steps = await startSteps(
    50,
    {},
    {
      keys: keyRelease(kms),
      seal: async (file) => {
        const out = `${file}.sealed`;
        await line.run(['key', 'create', 'steps', ...place]);
        await line.run(['seal', file, '--key', 'steps', '--out', out, ...place]);
        rmSync(file);
        return { type: 'parquet', path: out, sealed: { key: 'steps' } };
      },
    },
  );
  try {
    const service = await kms.get();
    const shell = { db: steps.world.db, kms, signingKey: generateSigningKey() };
    const lines = (await inventoryOf(shell)).map((text) => JSON.parse(text) as Record<string, unknown>);
    const refs = lines.map((item) => String(item['bom-ref']));
    for (const wanted of [
      'algorithm:AES-256-GCM',
      'key:visits:1',
      'key:visits:2',
      'key:steps:1',
      'library:openssl',
    ])
      expect(refs).toContain(wanted);
    expect(refs.filter((ref) => ref.startsWith('dataset:steps:'))).toHaveLength(1);
    expect(refs.filter((ref) => ref.startsWith('data-key:'))).toHaveLength(1);
    await service.rotate('steps');
    // It is made from the system as it is.
    expect((await inventoryOf(shell)).join('\n')).toContain('"key:steps:2"');
    expect(await steps.ended({ sql: 'SELECT COUNT(*) AS n FROM steps' })).toMatchObject({
      outcome: 'released',
    });
  } finally {
    await steps.close();
    await kms.close();
  }
});

test('the lab answers about a sealed file, and says what is missing where there is no key store', async () => {
  const folder = at('lab');
  mkdirSync(folder);
  const plain = join(folder, 'steps.parquet');
  await runStatements([
    `COPY (SELECT i AS uid, i::DOUBLE AS age FROM range(1000) AS t(i)) TO '${plain}' (FORMAT parquet)`,
  ]);
  await line.run(['seal', plain, '--key', 'steps', '--out', `${plain}.sealed`, ...place]);
  rmSync(plain);
  writeFileSync(
    join(folder, 'dataset.json'),
    JSON.stringify({
      kind: 'Dataset',
      name: 'steps',
      source: { type: 'parquet', path: 'steps.parquet.sealed', sealed: { key: 'steps' } },
      privacyUnit: 'uid',
      columns: { uid: { type: 'integer', role: 'unit' }, age: { type: 'number', bounds: [0, 120] } },
    }),
  );
  writeFileSync(
    join(folder, 'policy.json'),
    JSON.stringify({
      kind: 'ReleasePolicy',
      mechanism: 'gaussian',
      budget: { epsilon: 8, delta: 1e-6 },
      perJob: { epsilon: 1, delta: 1e-7 },
      maxGroupsPerUnit: 1,
    }),
  );
  const request = {
    dataset: [join(folder, 'dataset.json')],
    policy: join(folder, 'policy.json'),
    sql: 'SELECT COUNT(*) AS n FROM steps',
  };
  const before = process.env['UNSEEN_RUNNER_DATA_DIR'];
  const answerIn = async (directory: string): Promise<Readonly<Record<string, unknown>>> => {
    process.env['UNSEEN_RUNNER_DATA_DIR'] = directory;
    const lab = new Lab('en');
    try {
      return await lab.answer(request);
    } finally {
      await lab.close();
    }
  };
  try {
    expect(await answerIn(at('data'))).toMatchObject({ decision: 'released' });
    expect(await answerIn(at('nowhere'))).toMatchObject({ decision: 'failed', code: 'CONFIG' });
    expect(existsSync(at('nowhere'))).toBe(false);
  } finally {
    if (before === undefined) delete process.env['UNSEEN_RUNNER_DATA_DIR'];
    else process.env['UNSEEN_RUNNER_DATA_DIR'] = before;
  }
});
