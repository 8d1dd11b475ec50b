/** The command line against the real API on a socket: ask, answer, evidence, bill; parties and grants. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { serve, type ServerType } from '@hono/node-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { exportSigningKey } from '#crypto/ed25519-key.ts';
import { createApp } from '#gateway/app.ts';
import { displayWidth } from '#gateway/cli/table.ts';
import { agreementFile } from '#tests/support/document-files.ts';
import {
  ISSUER,
  makeGrant,
  makeWorld,
  type Person,
  SQL,
  type World,
  worldGrant,
} from '#tests/support/gateway-world.ts';
import { commandLine, type Ended } from './captured-terminal.ts';

const line = commandLine({ fetch });
const path = (name: string): string => join(line.directory, name);
let world: World;
let server: ServerType;
let url = '';
const stopping = new AbortController();
let runner: Promise<void>;

beforeAll(async () => {
  world = await makeWorld();
  const app = createApp(world.shell);
  url = await new Promise((resolve) => {
    server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) => {
      resolve(`http://127.0.0.1:${port}`);
    });
  });
  runner = (async () => {
    for (; !stopping.signal.aborted; await sleep(20)) await world.runAll();
  })();
  for (const person of ['ben', 'petra', 'olga', 'oscar', 'rival'] as const) await login(person);
});

afterAll(async () => {
  stopping.abort();
  await runner;
  await new Promise((resolve) => server.close(resolve));
  await world.close();
  line.remove();
});

async function login(person: Person): Promise<void> {
  writeFileSync(path(`${person}.jwk`), JSON.stringify(exportSigningKey(world.keys[person])));
  const flags = ['--url', url, '--issuer', ISSUER, '--account', person, '--key', path(`${person}.jwk`)];
  const { code, err } = await line.run(['login', ...flags, '--profile', person]);
  expect({ code, err }).toEqual({ code: 0, err: '' });
}

const as = (person: Person, ...args: string[]): Promise<Ended> => line.run([...args, '--profile', person]);
async function json(person: Person, ...args: string[]): Promise<{ code: number; value: never }> {
  const { code, value } = await line.json([...args, '--profile', person]);
  return { code, value: value as never };
}

const ASK = ['--grant', 'g-1', '--purpose', 'public_health', '--scene', 'influenza'];

test('whoever signs in is told who he is', async () => {
  const { out } = await as('ben', 'whoami');
  expect(out).toMatch(/ACCOUNT +ben\nORGANISATION +The city-university \(city-university\)\nROLES +buyer\n/);
  const { value } = await json('ben', 'token');
  const response = await fetch(`${url}/v1/me`, {
    headers: { authorization: `Bearer ${(value as { token: string }).token}` },
  });
  expect(await response.json()).toMatchObject({ account: 'ben' });
});

test('datasets are listed and shown, in columns that line up in Chinese', async () => {
  const { out } = await line.run(['dataset', 'list', '--profile', 'ben'], { language: 'zh' });
  const [head = '', row = ''] = out.split('\n');
  expect(row).toContain('就诊记录');
  expect(displayWidth(head.slice(0, head.indexOf('来源')))).toBe(
    displayWidth(row.slice(0, row.indexOf('public'))),
  );
  const shown = await as('ben', 'dataset', 'show', 'visits');
  expect(shown.out).toMatch(/cost +number +value +0 … 5000/);
  expect(shown.out).toMatch(/region +string +key +north, south/);
  expect(shown.out).not.toContain('note');
});

test('a quote says what an answer costs, leaves and is worth', async () => {
  const { code, out } = await as('ben', 'quote', ...ASK, '--sql', SQL);
  expect(code).toBe(0);
  expect(out).toMatch(/PRICE +0\.00 CNY\nCOST +\d+ nano-rho = ρ 0\.\d+ \(ε 0\.25, δ 1e-7\)\n/);
  expect(out).toMatch(/visits +– +±\d+/);
});

test('a quote that would be refused ends with 4 and says what to do', async () => {
  const { code, out } = await as('ben', 'quote', ...ASK, '--sql', 'SELECT note FROM visits');
  expect(code).toBe(4);
  expect(out).toMatch(/^would be refused with [A-Z_]+: .+\nto do: .+/);
});

test('a query waits and prints each value beside its interval, and its notes', async () => {
  const { code, out, err } = await as('ben', 'query', ...ASK, '--sql', SQL);
  expect(code).toBe(0);
  expect(err).toMatch(/^job \S+\n$/);
  expect(out).toMatch(
    /region +OUTPUT +VALUE +95 % INTERVAL +STDDEV\nnorth +visits +100 +\[96\.0, 104\.0\] +2/,
  );
  expect(out).toMatch(/\n- .+/);
});

test('the same query again is the same answer at no cost, and CSV is the API’s', async () => {
  const { value } = await json('ben', 'query', ...ASK, '--sql', SQL);
  expect(value).toMatchObject({ decision: 'released', code: null, repeat: true, budget: { nanoSpent: '0' } });
  const { code, out } = await as('ben', 'query', ...ASK, '--sql', `${SQL} LIMIT 1`, '--csv');
  expect(code).toBe(0);
  const lines = out.split('\r\n').filter((text) => text !== '' && !text.startsWith('#'));
  expect(lines).toEqual([
    'region,visits,visits_stddev,visits_low,visits_high,cost,cost_stddev,cost_low,cost_high',
    'north,100,2,96,104,100,2,96,104',
  ]);
});

test('a query is read from a file or from standard input', async () => {
  writeFileSync(path('ask.sql'), SQL);
  expect((await as('ben', 'query', ...ASK, '--sql-file', path('ask.sql'))).code).toBe(0);
  const input = async (): Promise<string> => SQL;
  const args = ['query', ...ASK, '--sql-file', '-', '--profile', 'ben'];
  expect((await line.run(args, { input })).code).toBe(0);
});

test('a refusal ends with 4, is on record as a job, and its evidence is the usage record', async () => {
  const { code, value } = await json('ben', 'query', ...ASK, '--sql', 'SELECT cost FROM visits');
  expect(code).toBe(4);
  const { jobId } = value as { jobId: string };
  expect(value).toMatchObject({ decision: 'refused', code: 'NOT_AGGREGATE' });
  expect((await as('ben', 'job', 'show', jobId)).out).toMatch(/STATE +refused \(NOT_AGGREGATE\)/);
  expect((await as('ben', 'job', 'wait', jobId)).code).toBe(4);
  const receipt = await as('ben', 'receipt', jobId);
  expect(receipt.code).toBe(0);
  expect(receipt.err).toContain('nothing was released');
  expect(JSON.parse(receipt.out)).toBeTypeOf('object');
});

test('an accuracy is asked instead of ε, quoted in a sentence, and kept', async () => {
  const ask = [...ASK, '--sql', 'SELECT COUNT(*) AS visits FROM visits', '--max-error', '250'];
  const quoted = await as('ben', 'quote', ...ask);
  expect(quoted.code).toBe(0);
  expect(quoted.out).toMatch(/^This answer costs \S+ % of .+; `visits` will be right to ±250 in 95 of 100 /);
  const chinese = await line.run(['quote', ...ask, '--profile', 'ben'], { language: 'zh' });
  expect(chinese.out).toMatch(/^本次回答消耗剩余预算的 .+`visits` 的误差不超过 ±250/);
  const { value } = await json('ben', 'quote', ...ask);
  const { id, cost } = value as { id: string; cost: { nano: string; rho: string } };
  expect(Number(cost.rho)).toBeCloseTo(Number(cost.nano) / 1e9, 12);
  const asked = await json('ben', 'query', ...ask, '--quote', id);
  expect(asked).toMatchObject({ code: 0, value: { decision: 'released', budget: { nanoSpent: cost.nano } } });
});

test('an accuracy out of reach, or without the size it depends on, is refused and says what to do', async () => {
  const { code, err } = await as('ben', 'query', ...ASK, '--sql', SQL, '--max-error', '0.001');
  expect(code).toBe(4);
  expect(err).toMatch(/^unseen: PARAM: .+; nearest: maxError \d+, with epsilon [\d.]+\n/);
  const average = [...ASK, '--sql', 'SELECT AVG(cost) FROM visits', '--max-error', '1e9'];
  const unsized = await as('ben', 'query', ...average);
  expect(unsized.code).toBe(4);
  expect(unsized.err).toContain('--at-size');
  expect((await as('ben', 'query', ...average, '--at-size', '1000')).code).toBe(0);
  expect((await as('ben', 'query', ...average, '--epsilon', '0.1')).code).toBe(2);
});

test('a receipt fetched with proof, keys and answer verifies offline', async () => {
  const asked = await json('ben', 'query', ...ASK, '--sql', 'SELECT SUM(cost) AS total FROM visits');
  writeFileSync(path('answer.json'), JSON.stringify(asked.value));
  const { jobId } = asked.value as { jobId: string };
  const files = ['--proof', path('proof.txt'), '--keys', path('jwks.json'), '--log-key', path('log.key')];
  const { code, out } = await as('ben', 'receipt', jobId, ...files);
  expect(code).toBe(0);
  writeFileSync(path('receipt.jwt'), out);
  const verified = await line.run(
    ['verify', path('receipt.jwt'), ...files, '--answer', path('answer.json')],
    {
      fetch: () => Promise.reject(new Error('offline')),
    },
  );
  expect(verified).toMatchObject({ code: 0, err: '' });
  expect(verified.out).toMatch(/^Valid/);
  expect(verified.out).not.toContain('\n- ');
  const proof = await as('ben', 'log', 'prove', jobId);
  expect(proof.out).toMatch(/^c2sp\.org\/tlog-proof@v1\n/);
  expect((await as('ben', 'log', 'checkpoint')).out).toMatch(/^unseen\.example\/log\n/);
  expect((await as('ben', 'log', 'key')).out).toMatch(/^unseen\.example\/log\+[0-9a-f]{8}\+/);
});

test('jobs are listed to those who may see them, and not to a rival', async () => {
  const mine = (await json('ben', 'job', 'list')).value as { items: { id: string; state: string }[] };
  expect(mine.items.length).toBeGreaterThan(2);
  expect((await json('rival', 'job', 'list')).value).toEqual({ items: [] });
  const hidden = await as('rival', 'job', 'show', mine.items[0]?.id ?? '');
  expect(hidden.code).toBe(4);
  expect(hidden.err).toMatch(/^unseen: NOT_FOUND: /);
  expect((await as('ben', 'job', 'cancel', mine.items[0]?.id ?? '')).code).toBe(0);
});

test('a budget is explained charge by charge, with names to its operator only', async () => {
  const { code, out } = await as('ben', 'budget', 'explain', 'visits');
  expect(code).toBe(0);
  expect(out).toMatch(
    /LEDGER +UNIT +CAPACITY +SPENT +SET ASIDE +LEFT\nvisits +nano-rho +\d+ +\d+ +0 +\d+\n\nASKED AT /,
  );
  expect(out).toContain('paid for a released answer');
  expect(out).toContain('free repeat: the stored answer came back');
  const { value } = await json('olga', 'budget', 'explain', 'visits');
  expect(value).toMatchObject({ dataset: 'visits', ledgers: [{ ledger: 'visits', kind: 'lineage' }] });
  expect((value as { items: object[] }).items[0]).toMatchObject({ grant: 'g-1', account: 'ben' });
  const refused = await as('rival', 'budget', 'explain', 'visits');
  expect([refused.code, refused.err]).toEqual([4, expect.stringMatching(/^unseen: NO_GRANT: /)]);
});

test('usage is exported as one event to a line, or as CSV, without the text of any query', async () => {
  const { out } = await as('ben', 'usage', 'export');
  const events = out
    .trimEnd()
    .split('\n')
    .map((text) => JSON.parse(text) as { specversion: string; type: string; data: object });
  expect(events.length).toBeGreaterThan(2);
  expect(events.every(({ specversion }) => specversion === '1.0')).toBe(true);
  expect(out).not.toContain('SELECT');
  const csv = await as('ben', 'usage', 'export', '--csv');
  // A table has runs only: an accepted quote has none of its columns.
  const runs = events.filter(({ type }) => type !== 'unseen.usage.quote');
  expect(csv.out.trimEnd().split('\r\n')).toHaveLength(runs.length + 1);
});

test('an operator registers an organisation and an account, which signs in until it is revoked', async () => {
  const made = await as(
    'olga',
    'organisation',
    'create',
    'new-lab',
    '--name',
    '新实验室',
    '--region',
    'CN-31',
  );
  expect(made).toMatchObject({ code: 0, out: 'new-lab\n' });
  expect((await as('olga', 'organisation', 'list')).out).toMatch(/new-lab +新实验室 +CN-31/);
  const keyFile = path('nina.key');
  const account = [
    'account',
    'create',
    'nina',
    '--organisation',
    'new-lab',
    '--role',
    'buyer',
    '--new-key',
    keyFile,
  ];
  expect((await as('olga', ...account)).out).toBe('nina\n');
  const login = ['login', '--url', url, '--issuer', ISSUER, '--account', 'nina', '--key', keyFile];
  expect((await line.run([...login, '--profile', 'nina'])).code).toBe(0);
  expect((await as('olga', 'account', 'revoke', 'nina')).code).toBe(0);
  expect((await as('olga', 'account', 'list')).out).toMatch(/nina +new-lab +buyer +revoked/);
  const { code, err } = await line.run(['whoami', '--profile', 'nina']);
  expect(code).toBe(4);
  expect(err).toContain('the server does not know this account');
  expect((await as('ben', 'account', 'list')).code).toBe(4);
});

test('a grant is filed from YAML, approved by two people, shown, used and revoked', async () => {
  writeFileSync(path('grant.yaml'), JSON.stringify(worldGrant({ id: 'g-2' }), null, 2));
  expect((await as('olga', 'grant', 'create', path('grant.yaml'))).out).toBe('g-2\n');
  const ask = ['query', '--grant', 'g-2', '--purpose', 'public_health', '--scene', 'influenza', '--sql', SQL];
  expect((await as('ben', ...ask)).code).toBe(4);
  expect((await as('petra', 'grant', 'approve', 'g-2', '--side', 'provider')).code).toBe(0);
  expect((await as('ben', 'grant', 'approve', 'g-2', '--side', 'buyer')).code).toBe(0);
  expect((await as('ben', 'grant', 'list')).out).toMatch(/g-2 +city-university +visits.* +active/);
  expect((await json('ben', 'grant', 'show', 'g-2')).value).toMatchObject({ id: 'g-2', state: 'active' });
  expect((await as('ben', ...ask)).code).toBe(0);
  expect((await as('oscar', 'grant', 'revoke', 'g-2', '--reason', 'ended')).out).toBe('`g-2` is revoked\n');
  const { code, err } = await as('ben', ...ask);
  expect(code).toBe(4);
  expect(err).toContain('GRANT_REVOKED');
});

test('an answer that waits is listed, shown, approved or rejected by the provider, and waited for by its buyer', async () => {
  await makeGrant(world.db, worldGrant({ id: 'g-report', outputKinds: ['statistic', 'report'] }));
  const ask = ['--grant', 'g-report', '--purpose', 'public_health', '--output-kind', 'report'];
  expect((await as('ben', 'quote', ...ask, '--sql', SQL)).out).toContain('a person decides');
  const submit = async (text: string): Promise<{ readonly asked: Promise<Ended>; readonly job: string }> => {
    const asked = as('ben', 'query', ...ask, '--sql', text);
    const waiting = async (): Promise<string | undefined> => {
      const { value } = await json('petra', 'release', 'list');
      return (value as { items: { job: string }[] }).items[0]?.job;
    };
    await expect.poll(waiting, { timeout: 10_000 }).toBeDefined();
    return { asked, job: (await waiting())! };
  };

  const first = await submit(SQL);
  const listed = await as('petra', 'release', 'list');
  expect(listed.out).toMatch(/JOB +DATASET +GRANT +PURPOSE +SCENE +KIND +WAITS SINCE\n/);
  expect(listed.out).toMatch(
    new RegExp(`${first.job} +visits +g-report +public_health +influenza +report +20`),
  );
  const shown = await as('petra', 'release', 'show', first.job);
  expect(shown.out).toMatch(/north +visits +100/);
  expect((await as('ben', 'release', 'list')).code).toBe(4);
  expect((await as('ben', 'job', 'show', first.job)).out).toMatch(/STATE +accepted\n/);
  expect((await as('petra', 'release', 'approve', first.job)).out).toContain('is released');
  const { code, out, err } = await first.asked;
  expect([code, out]).toEqual([0, shown.out]);
  expect(err).toContain(`unseen job wait ${first.job}`);
  const again = await as('petra', 'release', 'reject', first.job, '--reason', 'KIND_MISMATCH');
  expect(again.code).toBe(4);
  expect(again.err).toMatch(/^unseen: CONFLICT: /);

  const second = await submit(SQL.replace('visits GROUP', 'visits WHERE age > 3 GROUP'));
  expect((await as('petra', 'release', 'reject', second.job, '--reason', 'NO')).code).toBe(2);
  const flags = ['--reason', 'GROUPS_TOO_FINE', '--note', 'two groups are too many'];
  expect((await as('petra', 'release', 'reject', second.job, ...flags)).code).toBe(0);
  const refused = await second.asked;
  expect(refused.code).toBe(4);
  expect(refused.err).toMatch(/RELEASE_REJECTED: .*too fine/);
  expect(refused.err + refused.out).not.toContain('too many');
  const record = await as('ben', 'receipt', second.job);
  expect(JSON.parse(record.out)).toMatchObject({ decision: 'rejected', reason: 'GROUPS_TOO_FINE' });
});

test('an agreement is filed from YAML, approved by another, listed, shown and withdrawn', async () => {
  const file = { ...agreementFile({ id: 'OA-line' }), from: '2020-01-01T00:00:00+08:00', to: null };
  writeFileSync(path('agreement.yaml'), JSON.stringify(file, null, 2));
  const filed = await as('olga', 'agreement', 'file', path('agreement.yaml'));
  expect(filed.out).toBe('`OA-line`, revision 1, is filed; somebody else approves it\n');
  const own = await as('olga', 'agreement', 'approve', 'OA-line');
  expect([own.code, own.err]).toEqual([4, expect.stringContaining('supervisor')]);
  expect((await as('petra', 'agreement', 'approve', 'OA-line')).out).toContain('is approved');
  expect((await as('olga', 'agreement', 'list')).out).toMatch(
    /OA-line +1 +Operation of .* +2020.* +– +active/,
  );
  const shown = await json('olga', 'agreement', 'show', 'OA-line', '--revision', '1');
  expect(shown.value).toMatchObject({ id: 'OA-line', state: 'active', body: { mode: 'scene' } });
  expect((await as('olga', 'agreement', 'show', 'OA-line', '--revision', 'one')).code).toBe(2);
  expect((await as('ben', 'agreement', 'show', 'OA-line')).code).toBe(4);
  expect((await as('olga', 'product', 'file', path('agreement.yaml'))).err).toContain('must be: Product');
  expect((await as('petra', 'agreement', 'withdraw', 'OA-line')).out).toContain('is withdrawn');
  writeFileSync(path('agreement.yaml'), JSON.stringify({ ...file, currency: 'USD', mode: 'free' }));
  const wrong = await as('olga', 'agreement', 'file', path('agreement.yaml'));
  expect([wrong.code, wrong.err]).toEqual([
    4,
    expect.stringMatching(/currency: .*\n.*mode: |mode: .*\n.*currency: /),
  ]);
});

test('a grant that lacks a term is refused here, by the name of the field', async () => {
  const { liability: _left, ...incomplete } = worldGrant() as Record<string, unknown>;
  writeFileSync(path('grant.json'), JSON.stringify(incomplete));
  const { code, err } = await as('olga', 'grant', 'create', path('grant.json'));
  expect(code).toBe(2);
  expect(err).toContain('liability');
});

test('what the server says is in the reader’s language', async () => {
  const args = ['query', ...ASK, '--sql', 'SELECT cost FROM visits', '--profile', 'ben'];
  const { err } = await line.run(args, { language: 'zh' });
  expect(err).toMatch(/^unseen: NOT_AGGREGATE: .*\p{Script=Han}/u);
});

test('a server that is not there ends with 3', async () => {
  await line.run([
    'login',
    '--url',
    'http://127.0.0.1:9',
    '--account',
    'x',
    '--new-key',
    '--profile',
    'dead',
  ]);
  const { code, err } = await line.run(['whoami', '--profile', 'dead']);
  expect(code).toBe(3);
  expect(err).toMatch(/^unseen: UNREACHABLE: /);
});

test('none of this was a fault of the server', () => {
  expect(world.bugs).toEqual([]);
});
