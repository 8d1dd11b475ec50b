/** Statements over HTTP: from runs to a signed file that verifies, who sees what, and what a spreadsheet opens. */
import { afterAll, beforeAll, expect, test } from 'vitest';

import { signAccessToken } from '#gateway/auth/issuer.ts';
import { saveAccount } from '#gateway/storage/parties.ts';
import type { Role } from '#policies/roles.ts';
import { parseEvidenceJwk } from '#crypto/evidence-key.ts';
import { verifyStatement } from '#crypto/statement.ts';
import { lineSheet, renderStatement } from '#gateway/cli/statement-text.ts';
import { parseSheet } from '#gateway/cli/sheet-reading.ts';
import type { LineView, StatementView } from '#gateway/client/statements.ts';
import { OCTOBER, SEPTEMBER } from '#tests/support/billing-acts.ts';
import {
  addUsage,
  agreementBody,
  type BillingScene,
  factsOf,
  fileApproved,
  fileCard,
  makeBillingScene,
  UNIT_CARD,
} from '#tests/support/billing-world.ts';
import { jsonOf, makeWorld, PEOPLE, type Person, type World } from '#tests/support/gateway-world.ts';

let world: World;
let scene: BillingScene;
let id = '';
let usage: readonly string[] = [];

beforeAll(async () => {
  world = await makeWorld();
  const made = await makeBillingScene(world.db, { operator: 'platform' });
  // The buyer of the scene is the organisation of ben, so that its people can read.
  scene = { ...made, buyer: PEOPLE.ben.organisation, account: 'ben' };
  await fileApproved(world.db, scene, {
    kind: 'Agreement',
    id: scene.agreement,
    body: agreementBody(scene),
    from: '2026-01-01T00:00:00+08:00',
  });
  const card = await fileCard(world.db, scene, UNIT_CARD);
  const facts = factsOf(scene, { card }, { costCentre: '=HYPERLINK("x")' });
  const quoted = { 'data_usage/calls': '4000000', 'technical_service/calls': '0' };
  usage = await addUsage(world.db, scene, [{ at: SEPTEMBER, copies: 1000, billing: facts, quoted }]);
  await addUsage(world.db, scene, [{ at: OCTOBER, copies: 10, billing: facts, quoted }]);
});
afterAll(() => world.close());

async function ask<Answer>(person: Person, path: string, body?: object): Promise<Answer> {
  return jsonOf<Answer>(world.as(person, path, body));
}

interface Closing {
  readonly items: readonly {
    buyer: string;
    result: string;
    statement?: StatementView;
    blocks: { code: string }[];
  }[];
}

test('a dry run says what would be closed and writes nothing', async () => {
  const close = { month: '2026-09', dryRun: true };
  const twice = [
    await ask<Closing>('bill', '/v1/statements', close),
    await ask<Closing>('bill', '/v1/statements', close),
  ];
  for (const { items } of twice)
    expect(items.find(({ buyer }) => buyer === scene.buyer)?.result).toBe('would_close');
  const open = await ask<Closing>('bill', '/v1/statements', { month: '2026-11', dryRun: true });
  const found = open.items.find(({ buyer }) => buyer === scene.buyer);
  expect(found?.blocks.map(({ code }) => code).toSorted()).toEqual([
    'EARLIER_OPEN',
    'EARLIER_OPEN',
    'PERIOD_OPEN',
  ]);
  expect((await ask<{ items: unknown[] }>('bill', '/v1/statements')).items).toEqual([]);
});

test('one closes, another issues, and the exported file verifies without the server', async () => {
  const closed = await ask<Closing>('bill', '/v1/statements', { month: '2026-09' });
  const statement = closed.items.find(({ buyer }) => buyer === scene.buyer)?.statement;
  id = statement?.id ?? '';
  expect(id).toBe('platform-2026-09-000001');
  // Not issued yet: nobody but the operator and who oversees him sees it.
  expect((await world.as('ben', `/v1/statements/${id}`)).status).toBe(404);
  expect((await world.as('bill', `/v1/statements/${id}/issue`, {})).status).toBe(403);
  const issued = await ask<StatementView>('olga', `/v1/statements/${id}/issue`, {});
  const lines = await ask<{ items: LineView[] }>('ben', `/v1/statements/${id}/lines`);
  const { keys } = await jsonOf<{ keys: { kid: string; crv: string; x: string; kty: string }[] }>(
    world.request('/.well-known/jwks.json'),
  );
  const trusted = keys.map(({ crv, kty, x }) => parseEvidenceJwk({ crv, kty, x }));
  const file = { signed: issued.signed ?? '', lines: lines.items.map(({ text }) => text) };
  expect(await verifyStatement(file, trusted)).toMatchObject({ valid: true, head: { totalFen: '400' } });
  const [first = '', ...rest] = file.lines;
  const forged = [
    [{ ...file, lines: [first.replace('"amountFen":"400"', '"amountFen":"300"'), ...rest] }, 'ROOT_WRONG'],
    [{ ...file, lines: rest }, 'LINES_MISSING'],
    [{ ...file, lines: [...rest, first] }, 'ROOT_WRONG'],
    [{ ...file, lines: ['no JSON', ...rest] }, 'ROOT_WRONG'],
  ] as const;
  for (const [each, reason] of forged)
    expect(await verifyStatement(each, trusted)).toEqual({ valid: false, reason });
  expect(await verifyStatement(file, [])).toEqual({ valid: false, reason: 'KEY_UNKNOWN' });
});

test('a line leads to its runs and what it rests on, and a run to its lines; no text of a request', async () => {
  const explained = await world.as('adele', `/v1/statement-lines/${id}.1`);
  const text = await explained.text();
  const { documents, grant } = JSON.parse(text) as { documents: { kind: string }[]; grant: { id: string } };
  expect([documents.map(({ kind }) => kind), grant.id]).toEqual([['Agreement', 'RateCard'], scene.grant]);
  const page = await ask<{ items: { id: string; jobId: string; leafIndex: string }[]; nextCursor: string }>(
    'ben',
    `/v1/statement-lines/${id}.1/usage?limit=3`,
  );
  expect(page.items).toHaveLength(3);
  const [run] = page.items;
  const back = await ask<{ items: { id: string }[] }>('ben', `/v1/jobs/${run?.jobId}/lines`);
  expect(back.items.map((line) => line.id)).toEqual([`${id}.1`, `${id}.2`]);
  expect((await world.as('rival', `/v1/statement-lines/${id}.1`)).status).toBe(404);
  expect((await ask<{ items: unknown[] }>('rival', `/v1/jobs/${run?.jobId}/lines`)).items).toEqual([]);
  expect(`${text}${JSON.stringify([page, back])}`).not.toMatch(/SELECT|"sql"|"request"/);
});

test('bad corrections are refused by field; a good one needs a second account', async () => {
  const evidence = { id: 'letter-1', sha256: 'a'.repeat(64) };
  const cheap = [{ ...UNIT_CARD[0], unitPrice: '0.000000001' }];
  const otherData = await fileCard(world.db, scene, cheap, { applies: { dataset: 'elsewhere' } });
  const otherScene = await fileCard(world.db, scene, cheap, { scene: 'elsewhere' });
  const otherBases = await fileCard(world.db, scene, [{ ...UNIT_CARD[0], basis: 'runs' }]);
  const sameBases = await fileCard(world.db, scene, cheap);
  const correction = { cause: 'quantity', usage: usage[0], change: { exclude: true }, evidence };
  const bad = [
    [{ usage: 'none' }, 'usage'],
    [{ change: { quantities: { calls: '-1' } } }, 'change.quantities.calls'],
    [{ change: { quantities: { calls: '0.5' } } }, 'change.quantities.calls'],
    [{ change: { quantities: { calls: 'NaN' } } }, 'change.quantities.calls'],
    [{ change: { quantities: { calls: '2' } } }, 'change.quantities.calls'],
    [{ change: { quantities: { wishes: '1' } } }, 'change.quantities.wishes'],
    [{ change: { purposeClass: 'industry' } }, 'change.purposeClass'],
    [{ change: { card: { feeType: 'data_usage', id: 'none', revision: 1 } } }, 'change.card'],
    [{ change: { card: { feeType: 'data_usage', ...otherData } } }, 'change.card'],
    [{ change: { card: { feeType: 'data_usage', ...otherScene } } }, 'change.card'],
    [{ change: { card: { feeType: 'data_usage', ...otherBases } } }, 'change.card'],
    [{ change: { purposeClass: 'leisure' } }, 'change'],
    [{ cause: 'whim' }, 'cause'],
  ] as const;
  for (const [changes, field] of bad) {
    const answer = await world.as('bill', '/v1/corrections', { ...correction, ...changes });
    const { errors } = await jsonOf<{ errors: { field: string }[] }>(answer);
    expect([answer.status, errors.map((fault) => fault.field)]).toEqual([422, [field]]);
  }
  const anew = { change: { card: { feeType: 'data_usage', ...sameBases } }, usage: usage[1] };
  expect((await world.as('bill', '/v1/corrections', { ...correction, ...anew })).status).toBe(201);
  const { id: made } = await ask<{ id: string }>('bill', '/v1/corrections', correction);
  expect((await world.as('bill', `/v1/corrections/${made}/approve`, {})).status).toBe(403);
  const twice = await world.as('olga', '/v1/corrections', { ...correction, cause: 'duplicate' });
  expect(twice.status).toBe(422);
  const decided = await ask<{ decision: string }>('olga', `/v1/corrections/${made}/approve`, {});
  expect(decided.decision).toBe('approved');
});

test('a statement prints in both languages, and its table opens in a spreadsheet without formulas', async () => {
  const statement = await ask<StatementView>('ben', `/v1/statements/${id}`);
  const { items } = await ask<{ items: LineView[] }>('ben', `/v1/statements/${id}/lines`);
  const zh = renderStatement(statement, items, 'zh');
  expect(zh).toContain('人民币肆元整');
  expect(zh).toContain('数据使用费');
  const en = renderStatement(statement, items, 'en');
  expect(en).toContain('Renminbi four yuan');
  expect(en).toMatch(/4\.00 +4\.00 +0\.23 \(6\.00 %, included\)/);
  const sheet = lineSheet(items);
  expect(sheet.startsWith('\uFEFFline,statement,')).toBe(true);
  expect(sheet).not.toMatch(/[^\r]\n/);
  const [row] = parseSheet(sheet, { file: 'lines.csv', columns: ['costCentre', 'charged', 'quoted'] });
  expect(row).toEqual({ costCentre: '\'=HYPERLINK("x")', charged: '4.00', quoted: '4.00' });
});

test('billing of a buyer and buyers dispute, only the operator settles, and a provider sees only its own money', async () => {
  expect((await world.as('ben', `/v1/statements/${id}/dispute`, { reason: 'too many' })).status).toBe(200);
  const held = await ask<{ holds: { code: string }[] }>('bill', `/v1/statements/${id}/settle`, {});
  expect(held.holds.map(({ code }) => code)).toContain('DISPUTED');
  await ask('olga', `/v1/statements/${id}/resolve`, { reason: 'explained' });
  expect((await world.as('ben', `/v1/statements/${id}/settle`, {})).status).toBe(403);
  const advice = {
    reference: 'R-1',
    instruction: 'x',
    amount: '1.00',
    currency: 'CNY',
    paidOn: '2026-11-20',
  };
  const { items } = await ask<{ items: { result: string }[] }>('bill', '/v1/settlements/advices', {
    advices: [advice],
  });
  expect(items.map(({ result }) => result)).toEqual(['UNKNOWN_INSTRUCTION']);
  expect((await ask<{ items: unknown[] }>('petra', '/v1/settlements')).items).toEqual([]);
  expect((await world.as('petra', `/v1/statements/${id}`)).status).toBe(403);
  expect(world.bugs).toEqual([]);
});

/** What becomes of acts of an account with these roles. */
async function statuses(
  { organisationId, roles }: { readonly organisationId: string; readonly roles: readonly Role[] },
  acts: readonly (readonly [path: string, body: object])[],
): Promise<readonly number[]> {
  const caller = { id: `of-${organisationId}-${roles.join('-')}`, organisationId, roles };
  await saveAccount(world.db, { ...caller, keys: [] });
  const token = await signAccessToken(world.shell, caller);
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const found: number[] = [];
  for (const [path, body] of acts) {
    const answer = await world.request(path, { method: 'POST', headers, body: JSON.stringify(body) });
    found.push(answer.status);
  }
  return found;
}

test('nobody audits an act of his own: who audits neither closes, corrects, settles nor enters costs', async () => {
  const acts = [
    ['/v1/statements', { month: '2026-09', dryRun: true }],
    [`/v1/statements/${id}/settle`, {}],
    [`/v1/statements/${id}/dispute`, { reason: 'x' }],
    ['/v1/corrections/none/approve', {}],
    ['/v1/costs', { entries: [], reversals: [] }],
    ['/v1/price-tasks/close', { year: 2025, ceiling: 'none', outcome: 'kept' }],
  ] as const;
  const platform = (...roles: Role[]) => statuses({ organisationId: 'platform', roles }, acts);
  expect(await platform('billing', 'auditor')).toEqual(acts.map(() => 403));
  expect(await platform('billing')).not.toContain(403);
});

test('billing people of a buyer bill nobody: no statement, correction, settlement, advice or invoice is theirs', async () => {
  const evidence = { id: 'letter-1', sha256: 'a'.repeat(64) };
  const payment = { amount: '1.00', currency: 'CNY', paidOn: '2026-11-20' };
  const cost = {
    period: '2026-05',
    purposeClass: 'industry',
    category: 'storage',
    amount: '1.00',
    description: 'disks',
  };
  const acts = [
    ['/v1/statements', { month: '2026-09', dryRun: true }],
    [`/v1/statements/${id}/issue`, {}],
    [`/v1/statements/${id}/resolve`, { reason: 'x' }],
    [`/v1/statements/${id}/settle`, {}],
    [`/v1/statements/${id}/sent`, {}],
    ['/v1/settlements/advices', { advices: [{ reference: 'R-9', instruction: 'x', ...payment }] }],
    [`/v1/statement-lines/${id}.1/invoice`, { number: 'FP-1', issuedOn: '2026-11-20', issuer: 'x' }],
    ['/v1/corrections', { cause: 'cancel', usage: usage[2], change: { exclude: true }, evidence }],
    ['/v1/corrections/none/approve', {}],
    ['/v1/costs', { kind: 'CostEntries', entries: [cost] }],
  ] as const;
  const buyers = { organisationId: scene.buyer, roles: ['billing'] } as const;
  expect(await statuses(buyers, acts)).toEqual(acts.map(() => 403));
});
