/** Grants: every term must be stated and well-formed, and whatever is wrong is named by its field. */
import { expect, test } from 'vitest';
import { effectiveEnd, findGrantFaults, type Grant, parseGrant } from '#policies/grant.ts';
import { Failure } from '#policies/refusal.ts';
import { grantDigest, termsOf } from '#policies/terms.ts';
import { render, type Sentence } from '#policies/words.ts';
import { grant, grantFile, STANDING } from './request-fixture.ts';

/** Sets (or with `undefined` removes) the value at a path of a copy of the grant file. */
function changed(path: string, value: unknown): unknown {
  const copy: unknown = structuredClone(grantFile());
  const steps = path.split('.');
  let at = copy as Record<string, unknown>;
  for (const step of steps.slice(0, -1)) at = at[step] as Record<string, unknown>;
  if (value === undefined) delete at[steps.at(-1) ?? ''];
  else at[steps.at(-1) ?? ''] = value;
  return copy;
}

function faultOf(value: unknown): Sentence {
  try {
    parseGrant(value);
  } catch (thrown) {
    if (thrown instanceof Failure && thrown.code === 'CONFIG') return thrown.sentence;
    throw thrown;
  }
  throw new Error('the grant was accepted');
}

test('a grant that states every term is accepted, in UTC and with its limits as text', () => {
  expect(grant()).toMatchObject({
    id: 'g-1',
    start: '2025-12-31T16:00:00.000Z',
    end: '2026-12-31T16:00:00.000Z',
    quota: { total: { runs: '100', calls: null, epsilonNano: null }, perDay: null },
  });
});

test('a parsed grant is JSON that parses to itself', () => {
  const once = grant();
  expect(parseGrant(JSON.parse(JSON.stringify(once)))).toEqual(once);
});

// The terms a grant is filed with, and where each stands.
test.for([
  { term: 'id', path: 'id' },
  { term: 'authoriser', path: 'authoriser' },
  { term: 'authorised party', path: 'holder' },
  { term: 'parent agreement', path: 'parentAgreement' },
  { term: 'dataset ids', path: 'datasets' },
  { term: 'dataset id', path: 'datasets.0.dataset' },
  { term: 'version rule', path: 'datasets.0.version' },
  { term: 'columns', path: 'datasets.0.columns' },
  { term: 'row scope', path: 'datasets.0.rowScope' },
  { term: 'right kind', path: 'rights' },
  { term: 'scene', path: 'scene' },
  { term: 'purpose class', path: 'purposeClass' },
  { term: 'purposes', path: 'purposes' },
  { term: 'channel', path: 'channel' },
  { term: 'manner', path: 'manners' },
  { term: 'output kinds', path: 'outputKinds' },
  { term: 'start', path: 'start' },
  { term: 'end', path: 'end' },
  { term: 'quota', path: 'quota' },
  { term: 'quota of runs', path: 'quota.total.runs' },
  { term: 'region restrictions', path: 'restrictions.regions' },
  { term: 'sector restrictions', path: 'restrictions.sectors' },
  { term: 'legal restrictions', path: 'restrictions.legal' },
  { term: 'confidentiality', path: 'confidentiality' },
  { term: 'security measures', path: 'securityMeasures' },
  { term: "responsible person on the authoriser's side", path: 'responsible.authoriser' },
  { term: "responsible person on the holder's side", path: 'responsible.holder' },
  { term: 'legal basis', path: 'legalBasis' },
  { term: 'whether personal data is touched', path: 'personalData' },
  { term: 'prohibited terms', path: 'prohibitedTerms' },
  { term: 'liability', path: 'liability' },
  { term: 'disputes', path: 'disputeResolution' },
  { term: 'disposal after expiry', path: 'disposalAfterExpiry' },
  { term: 'usage feedback due', path: 'usageFeedbackDue' },
  { term: 'use agreement id', path: 'useAgreement.id' },
  { term: 'use agreement version', path: 'useAgreement.version' },
  { term: 'use agreement hash', path: 'useAgreement.sha256' },
  { term: 'undertaking', path: 'undertaking' },
  { term: 'signature of the undertaking', path: 'undertaking.signedBy' },
  { term: 'evidence of the authorisation', path: 'evidenceDocument' },
])('a grant cannot be filed without: $term', ({ path }) => {
  const field = path.replace(/\.(\d+)/g, '[$1]');
  expect(faultOf(changed(path, undefined))).toEqual({ id: 'grant.field.missing', args: { field } });
});

test('a consent is required when personal data is touched, and only then', () => {
  expect(faultOf(changed('consentReference', undefined))).toEqual({
    id: 'grant.consentMissing',
    args: { field: 'consentReference' },
  });
  expect(grant({ personalData: false, consentReference: null }).consentReference).toBeNull();
});

test.for([
  { path: 'colour', value: 'blue', id: 'grant.field.unknown', field: 'colour' },
  { path: 'quota.total.seats', value: 3, id: 'grant.field.unknown', field: 'quota.total.seats' },
  { path: 'kind', value: 'Dataset', id: 'grant.field.oneOf', field: 'kind' },
  { path: 'id', value: 7, id: 'grant.field.kind', field: 'id' },
  { path: 'id', value: '  ', id: 'grant.field.empty', field: 'id' },
  { path: 'liability', value: 'x'.repeat(4097), id: 'grant.field.long', field: 'liability' },
  { path: 'datasets', value: [], id: 'grant.field.empty', field: 'datasets' },
  { path: 'datasets.0.columns', value: [], id: 'grant.field.empty', field: 'datasets[0].columns' },
  {
    path: 'datasets.0.columns',
    value: ['a', 'b', 'a'],
    id: 'grant.field.twice',
    field: 'datasets[0].columns',
  },
  { path: 'datasets.1.dataset', value: 'visits', id: 'grant.field.twice', field: 'datasets' },
  { path: 'datasets.0.version', value: 'newest', id: 'grant.field.form', field: 'datasets[0].version' },
  {
    path: 'datasets.0.rowScope',
    value: { where: '' },
    id: 'grant.field.empty',
    field: 'datasets[0].rowScope.where',
  },
  { path: 'datasets.0.rowScope', value: 'some', id: 'grant.field.form', field: 'datasets[0].rowScope' },
  { path: 'channel', value: 'backdoor', id: 'grant.field.oneOf', field: 'channel' },
  { path: 'purposes', value: ['public_welfare', 'fun'], id: 'grant.field.oneOf', field: 'purposes[1]' },
  { path: 'purposes', value: ['market_analysis'], id: 'grant.otherClass', field: 'purposes' },
  { path: 'purposeClass', value: 'industry', id: 'grant.otherClass', field: 'purposes' },
  { path: 'purposeClass', value: 'public_welfare', id: 'grant.field.oneOf', field: 'purposeClass' },
  { path: 'outputKinds', value: ['verification'], id: 'grant.verification', field: 'outputKinds' },
  { path: 'holder', value: 'health-bureau', id: 'grant.self', field: 'holder' },
  { path: 'start', value: '2026-01-01', id: 'grant.field.form', field: 'start' },
  { path: 'start', value: '2026-01-01T00:00:00', id: 'grant.field.form', field: 'start' },
  { path: 'end', value: '2026-02-30T00:00:00Z', id: 'grant.field.form', field: 'end' },
  { path: 'end', value: '2026-01-01T00:00:00+08:00', id: 'grant.endsBeforeStart', field: 'end' },
  { path: 'usageFeedbackDue', value: 'soon', id: 'grant.field.form', field: 'usageFeedbackDue' },
  {
    path: 'useAgreement.sha256',
    value: 'A'.repeat(64),
    id: 'grant.field.form',
    field: 'useAgreement.sha256',
  },
  { path: 'quota.total.runs', value: -1, id: 'grant.field.form', field: 'quota.total.runs' },
  { path: 'quota.total.runs', value: 1.5, id: 'grant.field.form', field: 'quota.total.runs' },
  { path: 'quota.total.runs', value: '1e3', id: 'grant.field.form', field: 'quota.total.runs' },
  { path: 'restrictions.regions', value: [], id: 'grant.field.empty', field: 'restrictions.regions' },
  { path: 'restrictions.regions', value: 'all', id: 'grant.field.form', field: 'restrictions.regions' },
  { path: 'quota.total.runs', value: 2 ** 53, id: 'grant.field.form', field: 'quota.total.runs' },
])('refuses $path = $value by $id', ({ path, value, id, field }) => {
  const fault = faultOf(changed(path, value));
  expect(fault).toMatchObject({ id, args: { field } });
  expect(render(fault, 'en')).toContain(field);
  expect(render(fault, 'zh')).toMatch(/\p{Script=Han}/u);
});

test.for([null, undefined, 'grant', 3, []])('what is no object is no grant: %j', (value) => {
  expect(() => parseGrant(value)).toThrow(Failure);
});

test('a form is told of every fault at once', () => {
  const faults = findGrantFaults({ ...grantFile(), id: '', channel: 'x', liability: undefined });
  expect(faults.map(({ args }) => args['field'])).toEqual(['id', 'channel', 'liability']);
  expect(findGrantFaults(grantFile())).toEqual([]);
});

test('amounts may be numbers or decimal text, and stay exact', () => {
  const total = { runs: '100', epsilonNano: '12345678901234567890', rows: 5_000_000 };
  expect(grant({ quota: { total, perDay: { runs: 3 } } }).quota).toMatchObject({
    total: { epsilonNano: '12345678901234567890', rows: '5000000' },
    perDay: { runs: '3', epsilonNano: null },
  });
});

test('a quota may be limited by month, purpose and cost centre, and for runs without a quote', () => {
  const quota = {
    total: { runs: '100' },
    perMonth: { runs: 30 },
    perPurpose: [{ purpose: 'public_health', spendNano: '5000000000' }],
    costCentres: [{ id: ' 病房 7 ', runs: 3 }],
    standing: { perCall: { spendNano: 1 }, perDay: { spendNano: 2, epsilonNano: '3' } },
  };
  expect(grant({ quota }).quota).toMatchObject({
    perMonth: { runs: '30', spendNano: null },
    perPurpose: [{ purpose: 'public_health', runs: null, spendNano: '5000000000' }],
    costCentres: [{ id: '病房 7', runs: '3' }],
    standing: {
      perCall: { spendNano: '1', epsilonNano: null },
      perDay: { spendNano: '2', epsilonNano: '3' },
    },
  });
  // A wording without them is what it was.
  expect(Object.keys(grant().quota)).toEqual(['total', 'perDay']);
});

const [LIMITED, CENTRE] = ['quota.perPurpose[0]', 'quota.costCentres[0]'];
test.for([
  ...[-1, Number.NaN, 0.5, 1e21, '-1', '1.5', '1e3', '9'.repeat(39), 'all', [1]].flatMap((bad) => [
    { part: { perMonth: { runs: bad } }, field: 'quota.perMonth.runs' },
    { part: { total: { runs: 1, spendNano: bad } }, field: 'quota.total.spendNano' },
    { part: { perPurpose: [{ purpose: 'public_health', rows: bad }] }, field: `${LIMITED}.rows` },
    { part: { costCentres: [{ id: 'a', epsilonNano: bad }] }, field: `${CENTRE}.epsilonNano` },
    {
      part: { standing: { perCall: { spendNano: bad }, perDay: { spendNano: 1 } } },
      field: 'quota.standing.perCall.spendNano',
    },
  ]),
  { part: { perPurpose: [] }, field: 'quota.perPurpose' },
  { part: { costCentres: [] }, field: 'quota.costCentres' },
  { part: { perPurpose: [{ purpose: 'love' }] }, field: `${LIMITED}.purpose` },
  { part: { perPurpose: [{ purpose: 'finance' }] }, field: `${LIMITED}.purpose` },
  {
    part: { perPurpose: [{ purpose: 'public_health' }, { purpose: 'public_health', runs: 1 }] },
    field: 'quota.perPurpose[1].purpose',
  },
  { part: { costCentres: [{ id: 'a' }, { id: 'b' }, { id: ' a' }] }, field: 'quota.costCentres[2].id' },
  { part: { costCentres: [{ id: 'a\nb' }] }, field: `${CENTRE}.id` },
  { part: { costCentres: [{ id: 'a\u0000' }] }, field: `${CENTRE}.id` },
  { part: { costCentres: [{ id: 'a'.repeat(101) }] }, field: `${CENTRE}.id` },
  { part: { costCentres: [{ id: 'a', runs: 1, run: 2 }] }, field: `${CENTRE}.run` },
  { part: { standing: { perCall: { spendNano: 1 } } }, field: 'quota.standing.perDay' },
  {
    part: { standing: { perCall: { spendNano: 1 }, perDay: { epsilonNano: 1 } } },
    field: 'quota.standing.perDay.spendNano',
  },
  { part: { perYear: { runs: 1 } }, field: 'quota.perYear' },
])('a limit that is none is refused by its field: $field in $part', ({ part, field }) => {
  const file = { ...grantFile(), quota: { total: { runs: 1 }, ...part } };
  const faults = findGrantFaults(file);
  expect(faults.map(({ args }) => args['field'])).toEqual([field]);
  expect(render(faults[0]!, 'en')).toContain(field);
  expect(render(faults[0]!, 'zh')).toMatch(/\p{Script=Han}/u);
});

test('a purpose may be limited above and below what is granted', () => {
  const perPurpose = ['governance_welfare', 'public_welfare', 'public_health'].map((purpose) => ({
    purpose,
  }));
  expect(findGrantFaults({ ...grantFile(), quota: { total: { runs: 1 }, perPurpose } })).toEqual([]);
});

test('a grant ends with the earliest of what it rests on', () => {
  const own = { end: '2027-01-01T00:00:00+08:00' };
  expect(effectiveEnd(own, [])).toBe('2026-12-31T16:00:00.000Z');
  expect(effectiveEnd(own, ['2028-01-01T00:00:00Z', '2026-12-31T15:59:59Z'])).toBe(
    '2026-12-31T15:59:59.000Z',
  );
  expect(() => effectiveEnd(own, ['next year'])).toThrow(RangeError);
});

test('terms carry the end and the revocation of an agreement above the grant', () => {
  const [useAgreement, ...others] = STANDING.upstream;
  if (useAgreement === undefined) throw new Error('the fixture rests on a use agreement');
  const upstream = [{ ...useAgreement, end: '2026-03-01T00:00:00Z', revoked: true }, ...others];
  expect(termsOf(grant(), 'visits', { ...STANDING, upstream })).toMatchObject({
    end: '2026-03-01T00:00:00.000Z',
    endedBy: 'useAgreement',
    revoked: ['useAgreement'],
  });
  expect(termsOf(grant(), 'visits', { ...STANDING, revoked: true })).toMatchObject({
    end: '2026-12-31T16:00:00.000Z',
    endedBy: 'grant',
    revoked: ['grant'],
  });
});

test('terms are those of the dataset asked, and cover nothing of another', () => {
  expect(termsOf(grant(), 'beds', STANDING)).toMatchObject({
    version: 'v3',
    columns: ['ward', 'days'],
    rowScope: "where district = 'north'",
  });
  expect(termsOf(grant(), 'visits', STANDING)).toMatchObject({ version: null, rowScope: 'all' });
  expect(termsOf(grant(), 'incomes', STANDING)).toMatchObject({ columns: [], datasets: ['visits', 'beds'] });
});

test('terms name no person', () => {
  const text = JSON.stringify(termsOf(grant(), 'visits', STANDING));
  expect(JSON.stringify(grant())).toContain('Li Na');
  expect(text).not.toMatch(/Li Na|Wang Wei|example\.cn/);
});

test('the digest of a grant follows its terms and not the order of its fields', () => {
  const reversed = Object.fromEntries(Object.entries(grantFile()).toReversed());
  expect(grantDigest(parseGrant(reversed))).toBe(grantDigest(grant()));
  const digests = new Set<string>([grantDigest(grant())]);
  const variations: readonly Partial<Record<keyof Grant, unknown>>[] = [
    { liability: 'another clause' },
    { end: '2027-01-02T00:00:00+08:00' },
    { quota: { total: { runs: 101 } } },
  ];
  for (const change of variations) digests.add(grantDigest(grant(change)));
  expect(digests.size).toBe(variations.length + 1);
});
