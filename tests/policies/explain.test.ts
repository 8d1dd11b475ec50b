/** Explanations: one sentence per failing condition, in both languages, naming what would have to change. */
import { expect, test } from 'vitest';
import { decide, loadPolicyEngine, policyEngine } from '#policies/decide.ts';
import { DECISION_CODES, shippedSources } from '#policies/engine.ts';
import { explain, REASONS, refusalOf } from '#policies/explain.ts';
import type { DecisionRequest, UseRequest } from '#policies/request.ts';
import { render } from '#policies/words.ts';
import { ALLOWED, DENIALS } from './decision-cases.ts';
import { runRequest } from './request-fixture.ts';

function english(request: DecisionRequest): readonly string[] {
  return explain(decide(request), request).map((sentence) => render(sentence, 'en'));
}

test('every forbid has a sentence, and every sentence a forbid', () => {
  const forbids = policyEngine().policies.policies.filter(({ code }) => code !== null);
  expect(REASONS.map(({ policy }) => policy).toSorted()).toEqual(forbids.map(({ id }) => id).toSorted());
});

test('sentences come in the order of the codes', () => {
  const ranks = REASONS.map(({ policy }) => {
    const denial = DENIALS.find((known) => known.policy === policy);
    return denial === undefined ? -1 : DECISION_CODES.indexOf(denial.code);
  });
  expect(ranks).toEqual(ranks.toSorted((a, b) => a - b));
});

test.for(DENIALS)('$name is explained in both languages', ({ code, request }) => {
  const decision = decide(request);
  const sentences = explain(decision, request);
  expect(sentences).toHaveLength(1);
  const refusal = refusalOf(decision, request);
  expect(refusal.code).toBe(code);
  expect(refusal.in('zh')).toMatch(/\p{Script=Han}/u);
  expect(refusal.in('en')).not.toMatch(/\p{Script=Han}|[{}]|undefined|null/u);
});

test('an allowed request has nothing to explain and no refusal', () => {
  for (const { request } of ALLOWED) {
    expect(english(request)).toEqual([]);
    expect(() => refusalOf(decide(request), request)).toThrow(RangeError);
  }
});

test('a sentence names what is granted and what was asked', () => {
  const request = runRequest();
  const asked = (changes: Partial<UseRequest['ask']>): UseRequest => ({
    ...request,
    ask: { ...request.ask, ...changes },
  });
  expect(english(asked({ purpose: 'market_analysis' }))[0]).toMatch(
    /`g-1`.*public_welfare.*`market_analysis`/,
  );
  expect(english(asked({ columns: ['cost', 'name', 'phone'] }))[0]).toMatch(
    /columns name, phone; .* region, age, cost/,
  );
  expect(english(asked({ manner: 'federated' })).join()).toMatch(/sql, program.*`federated`/);
  expect(english({ ...request, now: '2029-01-01T00:00:00Z' })[0]).toContain('2026-12-31T16:00:00.000Z');
  const amounts = { ...request.ask.amounts, rows: '1000001', outputs: '51' };
  expect(english(asked({ amounts }))[0]).toContain(
    'needs 1000001, 51 of rows, outputs and grant `g-1` has 1000000, 50 left',
  );
});

test('all failing conditions are explained, one sentence each', () => {
  const request = runRequest();
  const sentences = english({
    ...request,
    now: '2029-01-01T00:00:00Z',
    ask: { ...request.ask, purpose: 'market_analysis', columns: ['name'] },
  });
  expect(sentences).toHaveLength(3);
});

test('a forbid that a deployment adds is explained by its name', () => {
  const sources = shippedSources();
  const added = '@id("no-sundays") @code("NO_GRANT") forbid (principal, action, resource);';
  const engine = loadPolicyEngine({ ...sources, policies: sources.policies + added });
  const request = runRequest();
  const refusal = refusalOf(engine.decide(request), request);
  expect(refusal).toMatchObject({ code: 'NO_GRANT', message: expect.stringContaining('`no-sundays`') });
});

test('a stranger is told of no grant and nothing about it', () => {
  const request = runRequest();
  const stranger: UseRequest = {
    ...request,
    principal: { ...request.principal, org: { ...request.principal.org, id: 'data-broker' } },
  };
  const [sentence, ...more] = english(stranger);
  expect(more).toEqual([]);
  expect(sentence).toContain('holds no grant for dataset `visits`');
  expect(english({ ...stranger, grant: null })).toEqual([sentence]);
  // Negative control: to the holder the grant is named.
  expect(english({ ...request, now: '2029-01-01T00:00:00Z' })[0]).toContain('g-1');
  expect(sentence).not.toContain('g-1');
});

test('a missing role, party or dataset is named', () => {
  const request = runRequest();
  expect(english({ ...request, principal: { ...request.principal, roles: ['provider'] } })[0]).toMatch(
    /`run` needs one of the roles buyer; you act as provider/,
  );
  expect(
    english({
      action: 'read_jobs',
      principal: request.principal,
      run: { id: 'r', buyer: 'x', providers: ['y'], operator: 'z' },
    })[0],
  ).toContain('your organisation is a party');
  expect(english({ ...request, dataset: { ...request.dataset, id: 'incomes' } })[0]).toMatch(
    /covers visits, beds, not dataset `incomes`/,
  );
});

test('what could not be decided names the missing dimension and not the words of the engine', () => {
  const request = runRequest();
  const { purpose: _, ...ask } = request.ask;
  const lacking = { ...request, ask } as UseRequest;
  const decision = decide(lacking);
  expect(decision.errors).not.toEqual([]);
  const [sentence] = english(lacking);
  expect(sentence).toMatch(/check: purpose$/);
  for (const error of decision.errors) expect(sentence).not.toContain(error);
});
