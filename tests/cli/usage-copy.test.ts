/** A provider's own copy of usage: made, continued, compared, and refused when it is not what was signed. */
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { exportEvidenceKey, generateEvidenceKey } from '#crypto/evidence-key.ts';
import { exportSigningKey } from '#crypto/ed25519-key.ts';
import { createApp } from '#gateway/app.ts';
import { type CheckedCopy, extendCopy, openCopy, recordsOf } from '#gateway/copy/copy-file.ts';
import { compareRecords } from '#gateway/copy/record.ts';
import type { CopyPosition } from '#gateway/copy/section.ts';
import { sized } from '#tests/support/audit-size.ts';
import { ISSUER, jsonOf, makeWorld, SQL, type World } from '#tests/support/gateway-world.ts';
import { commandLine, type CommandLine, type Ended } from './captured-terminal.ts';

let world: World;
let line: CommandLine;
let folder = '';
const ours = generateEvidenceKey('international');
const others = generateEvidenceKey('sm');
const path = (name: string): string => join(folder, name);

beforeAll(async () => {
  world = await makeWorld();
  folder = mkdtempSync(join(tmpdir(), 'unseen-copy-'));
  const app = createApp(world.shell);
  const fetch = (async (input: string | URL | Request, init?: RequestInit) =>
    app.fetch(new Request(input, init))) as typeof globalThis.fetch;
  line = commandLine({ fetch });
  for (const person of ['petra', 'adele', 'ben'] as const) {
    writeFileSync(path(`${person}.jwk`), JSON.stringify(exportSigningKey(world.keys[person])));
    const profile = ['--account', person, '--key', path(`${person}.jwk`), '--profile', person];
    const { code, err } = await line.run(['login', '--url', ISSUER, ...profile]);
    if (code !== 0) throw new Error(err);
  }
  writeFileSync(path('provider.jwk'), JSON.stringify(exportEvidenceKey(ours)));
  writeFileSync(path('provider.pub.jwk'), JSON.stringify(ours.publicJwk));
  writeFileSync(path('other.jwk'), JSON.stringify(exportEvidenceKey(others)));
  writeFileSync(path('other.pub.jwk'), JSON.stringify(others.publicJwk));
  for (let count = 0; count < 3; count += 1) await runOne();
});
afterAll(async () => {
  await world.close();
  line.remove();
  rmSync(folder, { recursive: true });
});

/** One more run of ben's, that may be seen. */
async function runOne(): Promise<string> {
  const limit = (await world.db.rows<{ n: number }>(sql`SELECT count(*)::int AS n FROM job`))[0]?.n ?? 0;
  const ask = { grant: 'g-1', sql: `${SQL} LIMIT ${limit + 1}`, purpose: 'public_health' };
  const { id } = await jsonOf<{ id: string }>(world.as('ben', '/v1/jobs', ask));
  await world.runAll();
  await world.as('ben', `/v1/jobs/${id}?wait=20`);
  return id;
}

function copy(file: string, key = 'provider.jwk'): Promise<Ended> {
  return line.run([
    'usage',
    'export',
    '--provider-key',
    path(key),
    '--out',
    path(file),
    '--profile',
    'petra',
  ]);
}

function compare(...args: readonly string[]): Promise<Ended> {
  const files = args.flatMap((file) => ['--copy', path(file)]);
  return line.run(['reconcile', ...files, '--key', path('provider.pub.jwk'), '--profile', 'adele']);
}

/** Reads a copy, changes its text, and says what is said of it. */
async function refusal(change: (text: string) => string, key = 'provider.pub.jwk'): Promise<string> {
  writeFileSync(path('changed.jsonl'), change(readFileSync(path('copy.jsonl'), 'utf8')));
  const { code, err } = await line.run([
    'reconcile',
    '--copy',
    path('changed.jsonl'),
    '--key',
    path(key),
    '--profile',
    'adele',
  ]);
  expect(code).toBe(2);
  return err;
}

test('is made, continued with what came since, and agrees with the server', async () => {
  expect(await copy('copy.jsonl')).toMatchObject({ code: 0, err: '' });
  await runOne();
  const { out } = await copy('copy.jsonl');
  expect(out).toContain('1 records added, 4 in all');
  const before = readFileSync(path('copy.jsonl'), 'utf8');
  expect((await copy('copy.jsonl')).out).toContain('0 records added, 4 in all');
  expect(readFileSync(path('copy.jsonl'), 'utf8')).toBe(before);
  expect(before).not.toContain('measured');
  const { code, out: said } = await compare('copy.jsonl');
  expect({ code, said }).toEqual({ code: 0, said: expect.stringContaining('differences: 0') });
});

test('names every record that is on one side only or differs, by id and field', async () => {
  const ids = (await world.db.rows<{ id: string }>(sql`SELECT id FROM usage_record ORDER BY leaf_index`)).map(
    ({ id }) => id,
  );
  const tampered = async (statement: ReturnType<typeof sql>): Promise<Ended> => {
    await world.db.transact(async (tx) => {
      await tx.rows(sql`SET LOCAL session_replication_role = replica`);
      await tx.rows(statement);
    });
    return compare('copy.jsonl');
  };
  const altered = await tampered(
    sql`UPDATE usage_record SET planned = planned || '{"calls":"7"}' WHERE id = ${ids[1]}`,
  );
  expect(altered).toMatchObject({ code: 5 });
  expect(altered.out).toContain(`differs: ${ids[1]}`);
  expect(altered.out).toContain('data.planned.calls: "1" | "7"');
  const hidden = await tampered(sql`UPDATE usage_record SET leaf_index = 900 WHERE id = ${ids[2]}`);
  expect(hidden.out).toContain(`only in the copy: ${ids[2]}`);
  expect(hidden.out).toContain('differences: 2');
  await tampered(sql`UPDATE usage_record SET leaf_index = 2 WHERE id = ${ids[2]}`);
  const restored = await tampered(
    sql`UPDATE usage_record SET planned = planned || '{"calls":"1"}' WHERE id = ${ids[1]}`,
  );
  expect(restored.code).toBe(0);
});

test('two copies are compared without a server, as far as both go', async () => {
  await copy('second.jsonl');
  const dead = async (): Promise<never> => {
    throw new Error('asked somebody');
  };
  const args = [
    '--copy',
    path('copy.jsonl'),
    '--copy',
    path('second.jsonl'),
    '--key',
    path('provider.pub.jwk'),
  ];
  const { code, out } = await line.run(['reconcile', ...args, '--json'], { fetch: dead });
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ summary: { records: '4', differences: 0, trusted: true } });
});

test('a copy that is not as it was signed is refused, with the line', async () => {
  const lines = readFileSync(path('copy.jsonl'), 'utf8').split('\n');
  expect(await refusal((text) => text.replace('"calls": "1"', '"calls": "2"'))).toMatch(
    /lines 1 to 5 are not those/,
  );
  expect(await refusal((text) => text.slice(0, text.lastIndexOf('{"signature"')))).toMatch(
    /cut off after line 7: the section from line 6 on/,
  );
  expect(await refusal((text) => text.replace(lines[1] ?? '', 'not json'))).toMatch(
    /line 2: not a usage event/,
  );
  expect(await refusal((text) => text.replace(`${lines[2]}\n`, ''))).toMatch(/lines 1 to 4 are not those/);
  expect(await refusal((text) => text.replace(`${lines[2]}\n`, `${lines[1]}\n`))).toMatch(
    /line 3: .* is there twice/,
  );
  expect(await refusal((text) => text + text)).toMatch(/line 9: this section does not go on/);
  expect(await refusal((text) => text.split('\n').slice(5).join('\n'))).toMatch(
    /line 1: this section does not go on/,
  );
  expect(await refusal(() => '')).toMatch(/holds no copy/);
  expect(await refusal((text) => text.replace('"version":1', '"version":2'))).toMatch(
    /line 1: a section .* must begin/,
  );
  expect(await refusal((text) => text, 'other.pub.jwk')).toMatch(
    /line 5: signed by a key that is not the one given/,
  );
});

test('a copy signed anew by somebody else is refused, and without a key nothing vouches for one', async () => {
  await copy('forged.jsonl', 'other.jwk');
  expect((await compare('forged.jsonl')).err).toMatch(/signed by a key that is not the one given/);
  const { code, err } = await line.run(['reconcile', '--copy', path('forged.jsonl'), '--profile', 'adele']);
  expect({ code, err }).toEqual({ code: 6, err: expect.stringContaining('a key that you did not name') });
  const refused = await copy('copy.jsonl', 'other.jwk');
  expect(refused).toMatchObject({ code: 2 });
});

test('sections of two signers are one copy only for who names both', async () => {
  const section = (at: string, after: CopyPosition | null) => ({
    organisation: 'o',
    after,
    through: { leaf: '0', at },
  });
  const [first, second] = ['2026-11-01T00:00:00Z', '2026-11-02T00:00:00Z'];
  await copy('signed.jsonl');
  const [, event = ''] = readFileSync(path('signed.jsonl'), 'utf8').split('\n');
  async function* one(): AsyncGenerator<string> {
    yield event;
  }
  const file = path('signers.jsonl');
  await extendCopy(file, section(first, null), { lines: one(), key: ours });
  await extendCopy(file, section(second, { leaf: '0', at: first }), { lines: one(), key: others });
  await expect(openCopy(file, [])).rejects.toThrow('signed by another key than the sections before');
  await expect(openCopy(file, [ours.publicJwk])).rejects.toThrow('a key that is not the one given');
  expect((await openCopy(file, [ours.publicJwk, others.publicJwk])).records).toBe(2n);
});

test('accepted quotes are events of the export and of the copy, in the order of the log', async () => {
  const ask = { grant: 'g-1', sql: SQL, purpose: 'public_health' };
  const quotes: string[] = [];
  for (let count = 0; count < 2; count += 1) {
    const { id } = await jsonOf<{ id: string }>(world.as('ben', '/v1/quotes', ask));
    expect((await world.as('ben', `/v1/quotes/${id}/accept`, {})).ok).toBe(true);
    quotes.push(`${id}/quote`);
    await runOne();
  }
  const { items } = await jsonOf<{ items: readonly object[] }>(world.as('petra', '/v1/usage?limit=200'));
  const text = await (await world.as('petra', '/v1/exports/usage')).text();
  const events = text
    .trimEnd()
    .split('\n')
    .map((each) => JSON.parse(each) as { id: string; type: string; data: { leafIndex: string } });
  expect(events).toEqual(items);
  const leaves = events.map(({ data }) => Number(data.leafIndex));
  expect(leaves).toEqual(leaves.toSorted((a, b) => a - b));
  const last = events.slice(-4);
  expect(last.filter((_, at) => at % 2 === 0).map(({ id }) => id)).toEqual(quotes);
  expect(last.map(({ type }) => type.split('.')[2])).toEqual(['quote', 'release', 'quote', 'release']);
  const table = await (await world.as('petra', '/v1/exports/usage?format=csv')).text();
  expect(table).not.toContain('/quote');
  expect(await (await world.as('petra', '/v1/exports/usage?outcome=released')).text()).not.toContain(
    '/quote',
  );

  await copy('quotes.jsonl');
  expect(readFileSync(path('quotes.jsonl'), 'utf8')).toContain(`"${quotes[1]}"`);
  expect(await compare('quotes.jsonl')).toMatchObject({ code: 0 });
  await world.db.transact(async (tx) => {
    await tx.rows(sql`SET LOCAL session_replication_role = replica`);
    await tx.rows(
      sql`UPDATE quote_acceptance SET leaf_index = 900 WHERE quote_id || '/quote' = ${quotes[0]}`,
    );
  });
  const hidden = await compare('quotes.jsonl');
  expect(hidden).toMatchObject({ code: 5 });
  expect(hidden.out).toContain(`only in the copy: ${quotes[0]}`);
});

test('wrong uses are told what is wrong', async () => {
  expect((await line.run(['usage', 'export', '--out', path('x'), '--profile', 'petra'])).err).toContain(
    'stand together',
  );
  expect((await line.run(['reconcile', '--key', path('provider.pub.jwk')])).err).toContain(
    '--copy takes one file',
  );
  const args = ['--provider-key', path('petra.jwk'), '--out', path('copy.jsonl')];
  expect((await line.run(['usage', 'export', ...args, '--profile', 'ben'])).code).toBe(2);
  expect((await compare('absent.jsonl')).err).toContain('absent.jsonl');
  expect(existsSync(path('x'))).toBe(false);
});

test('a copy that could not be finished is as it was before', async () => {
  const file = path('half.jsonl');
  const head = {
    organisation: 'health-bureau',
    after: null,
    through: { leaf: '9', at: '2026-11-01T00:00:00Z' },
  };
  async function* failing(): AsyncGenerator<string> {
    yield* readFileSync(path('copy.jsonl'), 'utf8').split('\n').slice(1, 2);
    throw new Error('the server went away');
  }
  await expect(extendCopy(file, head, { lines: failing(), key: ours })).rejects.toThrow('went away');
  expect(readFileSync(file, 'utf8')).toBe('');
});

async function allOf<Item>(items: AsyncIterable<Item>): Promise<readonly Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

test('a large copy is checked, read in order, and compared record by record', async () => {
  await copy('template.jsonl');
  const [template = ''] = readFileSync(path('template.jsonl'), 'utf8').split('\n').slice(1, 2);
  const records = sized(6_000, 1_000_000);
  const line = (leaf: number): string =>
    template.replace(/"leafIndex":"\d+"/, `"leafIndex":"${leaf}"`).replace(/"id":"[^"]+"/, `"id":"r${leaf}"`);
  /** Two sections, of even and of odd leaves; `change` says what stands for a line. */
  const write = async (file: string, change: (leaf: number) => string | null): Promise<CheckedCopy> => {
    async function* lines(first: number): AsyncGenerator<string> {
      for (let leaf = first; leaf < records; leaf += 2) {
        const text = change(leaf);
        if (text !== null) yield text;
      }
    }
    const through = { leaf: String(records), at: '2026-11-01T00:00:00Z' };
    const even = { organisation: 'o', after: null, through };
    await extendCopy(path(file), even, { lines: lines(0), key: ours });
    const odd = { organisation: 'o', after: through, through: { ...through, at: '2026-11-02T00:00:00Z' } };
    await extendCopy(path(file), odd, { lines: lines(1), key: ours });
    return openCopy(path(file), [ours.publicJwk]);
  };
  const whole = await write('large.jsonl', (leaf) => (leaf === 4_999 ? null : line(leaf)));
  expect(whole.records).toBe(BigInt(records - 1));
  let before = -1n;
  for await (const { leaf } of recordsOf(whole)) {
    if (leaf <= before || leaf > before + 2n) throw new Error(`${leaf} after ${before}`);
    before = leaf;
  }
  expect(before).toBe(BigInt(records - 1));

  const changed = await write('changed-large.jsonl', (leaf) =>
    leaf === 777 ? null : leaf === 4_000 ? line(leaf).replace(/"calls": ?"1"/, '"calls":"2"') : line(leaf),
  );
  const differences = await allOf(compareRecords(recordsOf(whole), recordsOf(changed)));
  expect(differences).toEqual([
    { id: 'r777', leaf: '777', kind: 'leftOnly', fields: [] },
    {
      id: 'r4000',
      leaf: '4000',
      kind: 'differs',
      fields: [{ field: 'data.planned.calls', left: '"1"', right: '"2"' }],
    },
    { id: 'r4999', leaf: '4999', kind: 'rightOnly', fields: [] },
  ]);

  appendFileSync(path('large.jsonl'), 'x');
  await expect(openCopy(path('large.jsonl'), [])).rejects.toThrow(`line ${records + 4}`);
  const twice = await write('twice.jsonl', (leaf) => (leaf < 9 ? line(leaf === 7 ? 6 : leaf) : null));
  await expect(allOf(recordsOf(twice))).rejects.toThrow('r6');
});
