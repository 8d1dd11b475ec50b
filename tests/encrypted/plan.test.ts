/** Plans over encrypted columns: what they hold, and what is refused by name. */
import { describe, expect, test } from 'vitest';
import { Failure, Refusal } from '#policies/refusal.ts';
import {
  circuitOf,
  type EncryptedDataset,
  isEncrypted,
  orderPlanOf,
  shapeOf,
} from '#sandbox/encrypted/circuits.ts';
import { noiseOfOrder, rowRangeOf } from '#sandbox/encrypted/order-noise.ts';
import { parseDataset } from '#sandbox/manifest/dataset-file.ts';
import type { Plan } from '#sandbox/plan.ts';
import { noiseText } from '#sandbox/release/noise.ts';
import { noiseOfPlan } from '#sandbox/release/planned-noise.ts';
import { notesOf } from '#sandbox/release/notes.ts';
import { compiled, policyWith } from '#tests/query/people.ts';

const X = 'A'.repeat(43);
const MANIFEST = {
  kind: 'Dataset',
  name: 'visits',
  source: {
    type: 'encrypted',
    path: 'visits.enc',
    custodian: {
      url: 'https://c.test:8443',
      ca: 'ca.pem',
      cert: 'r.pem',
      certKey: 'r.key',
      orderKey: 'o.jwk',
    },
  },
  encryption: {
    ...{ manifest: '0'.repeat(64), provider: X, custodian: X, keyId: 'key-1' },
    ...{ profile: 'bfv-agg-8k', rowsPerUnit: 4, nullable: ['cost'] },
  },
  privacyUnit: 'encrypted',
  origin: 'synthetic',
  maxRows: 1000,
  columns: {
    region: { type: 'string', role: 'key', values: ['north', 'south'] },
    urgent: { type: 'boolean', role: 'key', values: [false, true] },
    cost: { type: 'number', bounds: [0, 1000], granularity: 0.01 },
    stay: { type: 'integer', bounds: [-10, 30] },
    age: { type: 'integer', bounds: [0, 120] },
  },
} as const;

function parsed(changes: object = {}): EncryptedDataset {
  const dataset = parseDataset(JSON.stringify({ ...MANIFEST, ...changes }), { path: '/nowhere/visits.yaml' });
  if (!isEncrypted(dataset)) throw new RangeError('encrypted');
  return dataset;
}

const dataset = parsed();
const planOf = (sql: string, of: EncryptedDataset = dataset): Plan => compiled(sql, { dataset: of }).plan;

function codeOf(
  sql: string,
  given: { dataset?: EncryptedDataset; policy?: ReturnType<typeof policyWith> } = {},
): string {
  try {
    compiled(sql, { dataset, ...given });
    return 'accepted';
  } catch (error) {
    if (error instanceof Refusal) return `${error.code} ${error.sentence.id}`;
    throw error;
  }
}

describe('a Plan', () => {
  test('is the ordinary one, but for units, bounds on rows and whose key it is under', () => {
    const plan = planOf('SELECT region, SUM(cost) FROM visits GROUP BY region');
    expect(plan).toMatchObject({
      unit: null,
      bounding: { cellsPerUnit: 1, rowsPerUnit: 4, chooseCells: false },
      encrypted: { manifestDigest: '0'.repeat(64), keyId: 'key-1', profile: 'bfv-agg-8k', custodian: X },
      keys: { mode: 'listed', cells: 2 },
    });
  });

  test('says whose word the bound is', () => {
    const ids = notesOf(planOf('SELECT COUNT(*) FROM visits'), null).map(({ id }) => id);
    expect(ids).toEqual(expect.arrayContaining(['note.encrypted', 'note.custodian']));
    expect(ids).not.toContain('note.rowUnit');
  });

  test.for([
    'SELECT COUNT(*), COUNT(cost), SUM(cost), AVG(cost), VARIANCE(stay), STDDEV(age) FROM visits',
    'SELECT SUM(stay*age), AVG(stay*age), SUM(age*age), SUM(2*stay - 0.5*age + 3), AVG(-stay) FROM visits',
    'SELECT SUM((stay + age)*2), SUM(stay/4), SUM(cost - 10), AVG(cost*cost) FROM visits',
    "SELECT region, SUM(stay) FILTER (WHERE urgent), COUNT(*) FILTER (WHERE region = 'north') FROM visits GROUP BY region",
  ])('%s: noise and ranges are those that a custodian comes to', (sql) => {
    const plan = planOf(sql);
    const circuits = plan.measures.map((measure) => circuitOf(measure, dataset));
    const order = orderPlanOf(plan, circuits);
    expect(noiseOfOrder(order, shapeOf(dataset)).map(noiseText)).toEqual(noiseOfPlan(plan).map(noiseText));
    for (const { terms, lowGrid, highGrid } of order.measures) {
      const range = rowRangeOf(terms, shapeOf(dataset));
      expect(range.low >= BigInt(lowGrid) && range.high <= BigInt(highGrid)).toBe(true);
    }
  });
});

describe('refused by name', () => {
  test.for([
    ['SELECT COUNT(DISTINCT cost) FROM visits', 'FUNCTION encrypted.units'],
    ['SELECT MEDIAN(age) FROM visits', 'FUNCTION encrypted.aggregate'],
    ['SELECT HISTOGRAM(age, 0, 100, 4) FROM visits', 'FUNCTION encrypted.aggregate'],
    ['SELECT SUM(stay) FROM visits WHERE age > 30', 'PREDICATE encrypted.predicate'],
    ['SELECT SUM(stay) FILTER (WHERE age > 30) FROM visits', 'PREDICATE encrypted.predicate'],
    ['SELECT SUM(CASE WHEN age > 30 THEN stay END) FROM visits', 'PREDICATE encrypted.predicate'],
    ['SELECT age, SUM(stay) FROM visits GROUP BY age', 'PRIVATE_KEY query.privateKey'],
    ['SELECT width_bucket(age, 0, 100, 4), SUM(stay) FROM visits GROUP BY 1', 'PRIVATE_KEY query.privateKey'],
    ['SELECT SUM(abs(stay)) FROM visits', 'FUNCTION encrypted.expression'],
    ['SELECT SUM(stay*stay*age) FROM visits', 'FUNCTION encrypted.expression'],
    ['SELECT SUM(stay*age + age*age) FROM visits', 'FUNCTION encrypted.expression'],
    ['SELECT SUM(stay - stay) FROM visits', 'FUNCTION encrypted.expression'],
    ['SELECT VARIANCE(stay + age) FROM visits', 'FUNCTION encrypted.expression'],
    ['SELECT VARIANCE(stay*age) FROM visits', 'FUNCTION encrypted.expression'],
    ["SELECT SUM(CASE WHEN region = 'north' THEN stay ELSE age END) FROM visits", 'FUNCTION encrypted.case'],
    ["SELECT AVG(CASE WHEN region = 'north' THEN stay ELSE 0 END) FROM visits", 'FUNCTION encrypted.case'],
    ['SELECT SUM(cost + stay) FROM visits', 'FUNCTION encrypted.nullable'],
    ['SELECT COUNT(cost - stay) FROM visits', 'FUNCTION encrypted.nullable'],
    ['SELECT SUM(stay / 3) FROM visits', 'BOUNDS_MISSING encrypted.grid'],
    ['SELECT SUM(1000*cost*cost) FROM visits', 'BOUNDS_MISSING encrypted.range'],
    ['SELECT a.stay FROM visits a', 'NOT_AGGREGATE query.notAggregate'],
    ['SELECT SUM(stay) FROM visits JOIN visits b ON true', 'JOIN query.join'],
  ] as const)('%s', ([sql, refusal]) => {
    expect(codeOf(sql)).toBe(refusal);
  });

  test('a policy that hides cells by their units', () => {
    expect(codeOf('SELECT COUNT(*) FROM visits', { policy: policyWith({ hideBelow: 5 }) })).toBe(
      'MODE encrypted.hideBelow',
    );
  });

  test('what might wrap around: exactly from half the modulus on', () => {
    const wide = (maxRows: number): EncryptedDataset => parsed({ maxRows });
    // Half of t is 1.76e13; cost has 100,000 steps and its noise at most some 1e8.
    expect(codeOf('SELECT SUM(cost) FROM visits', { dataset: wide(175_000_000) })).toBe('accepted');
    expect(codeOf('SELECT SUM(cost) FROM visits', { dataset: wide(176_000_000) })).toBe(
      'BOUNDS_MISSING encrypted.range',
    );
  });
});

describe('dataset.yaml', () => {
  function ruleOf(changes: object): string {
    try {
      parsed(changes);
      return 'accepted';
    } catch (error) {
      if (error instanceof Failure) return `${error.sentence.id} ${String(error.sentence.args['field'])}`;
      throw error;
    }
  }
  const { columns, source, encryption } = MANIFEST;

  test.for<[string, object]>([
    ['manifest.encryptedUnit privacyUnit', { privacyUnit: 'row' }],
    ['manifest.missing encryption', { encryption: undefined }],
    ['manifest.missing maxRows', { maxRows: undefined }],
    ['manifest.missing source.custodian', { source: { ...source, custodian: undefined } }],
    [
      'manifest.https source.custodian.url',
      { source: { ...source, custodian: { ...source.custodian, url: 'http://x' } } },
    ],
    ['manifest.encryptedSealed source.sealed', { source: { ...source, sealed: { key: 'k' } } }],
    ['manifest.encryptedOnly encryption', { source: { type: 'csv', path: 'x.csv' }, privacyUnit: 'row' }],
    [
      'manifest.encryptedOnly source.custodian',
      { source: { ...source, type: 'csv' }, encryption: undefined, privacyUnit: 'row' },
    ],
    ['manifest.digest encryption.manifest', { encryption: { ...encryption, manifest: 'abc' } }],
    ['manifest.publicKey encryption.provider', { encryption: { ...encryption, provider: 'abc' } }],
    [
      'manifest.encryptedNullable encryption.nullable[0]',
      { encryption: { ...encryption, nullable: ['region'] } },
    ],
    [
      'manifest.encryptedNullable encryption.nullable[1]',
      { encryption: { ...encryption, nullable: ['cost', 'cost'] } },
    ],
    [
      'manifest.encryptedRole columns.age.role',
      { columns: { ...columns, age: { type: 'integer', role: 'hidden' } } },
    ],
    [
      'manifest.encryptedClear columns.region.values',
      { columns: { ...columns, region: { type: 'string', role: 'key' } } },
    ],
    ['manifest.encryptedValue columns.age.type', { columns: { ...columns, age: { type: 'string' } } }],
    ['manifest.encryptedBounds columns.age.bounds', { columns: { ...columns, age: { type: 'integer' } } }],
  ])('%s', ([rule, changes]) => {
    expect(ruleOf(changes)).toBe(rule);
  });
});
