/** Agreements: what is stated, what cannot stand together, and what a grant on one must be covered by. */
import { expect, test } from 'vitest';

import { coverageFault, findAgreementFaults, parseAgreement } from '#gateway/billing/agreement.ts';
import { sharesOf } from '#gateway/billing/split.ts';
import { agreementFile } from '#tests/support/document-files.ts';

const idsOf = (value: unknown) => findAgreementFaults(value).map(({ id, args }) => `${id} ${args['field']}`);

test('an agreement parses, with its instants in UTC and its weights as text', () => {
  const agreement = parseAgreement(agreementFile());
  expect(agreement.from).toBe('2025-12-31T16:00:00.000Z');
  expect(agreement.datasets[0]?.contributors.map(({ weight }) => weight)).toEqual(['2', '1']);
  expect(parseAgreement(JSON.parse(JSON.stringify(agreement)))).toEqual(agreement);
});

test('an amount is split under it to the fen', () => {
  const agreement = parseAgreement(agreementFile());
  const contributions = agreement.datasets.flatMap(({ dataset, contributors }) =>
    contributors.map((one) => ({ dataset, ...one })),
  );
  const shares = sharesOf(1_000n, agreement, 'data_usage', contributions);
  expect(shares.map(({ payee, amountFen }) => [payee, amountFen])).toEqual([
    ['city-finance', 300n],
    ['hospital-1', 467n],
    ['hospital-2', 233n],
  ]);
});

test.for(Object.keys(agreementFile()))('an agreement without %s is refused by that name', (field) => {
  const { [field as 'id']: _, ...rest } = agreementFile();
  expect(idsOf(rest)).toContain(`billing.field.missing ${field}`);
});

const [file] = [agreementFile()];
const shares = (...parts: readonly (readonly [to: string, partsPerMillion: number])[]) => [
  { feeType: 'data_usage', shares: parts.map(([to, partsPerMillion]) => ({ to, partsPerMillion })) },
  file.split[1],
];
const contributors = (...all: readonly object[]) => [{ dataset: 'visits', contributors: all }];
const one = { contributor: 'a', weight: 1 };

test.for([
  ['shares below the whole', { split: shares(['platform', 999_999]) }, 'agreement.sum split[0].shares'],
  [
    'shares above the whole',
    { split: shares(['platform', 700_000], ['city-finance', 300_001]) },
    'agreement.sum split[0].shares',
  ],
  ['a share of nobody', { split: shares(['somebody', 1_000_000]) }, 'agreement.payee split[0].shares[0].to'],
  [
    'two shares of one',
    { split: shares(['platform', 500_000], ['platform', 500_000]) },
    'billing.field.twice split[0].shares',
  ],
  ['a fee that is not split', { split: [file.split[1]] }, 'agreement.feeMissing split'],
  ['a fee that is split twice', { split: [...file.split, file.split[1]] }, 'billing.field.twice split'],
  [
    'a payee with a reserved name',
    { payees: [...file.payees, { id: 'contributors', type: 'trustee', name: 'x' }] },
    'agreement.reserved payees[2].id',
  ],
  ['a payee twice', { payees: [...file.payees, file.payees[0]] }, 'billing.field.twice payees'],
  [
    'a contributor twice',
    { datasets: contributors(one, one) },
    'billing.field.twice datasets[0].contributors',
  ],
  ['a dataset twice', { datasets: [...file.datasets, ...file.datasets] }, 'billing.field.twice datasets'],
  [
    'a weight of zero',
    { datasets: contributors({ ...one, weight: 0 }) },
    'billing.field.form datasets[0].contributors[0].weight',
  ],
  [
    'a negative weight',
    { datasets: contributors({ ...one, weight: -1 }) },
    'billing.field.form datasets[0].contributors[0].weight',
  ],
  [
    'half a weight',
    { datasets: contributors({ ...one, weight: 0.5 }) },
    'billing.field.form datasets[0].contributors[0].weight',
  ],
  [
    'a huge weight',
    { datasets: contributors({ ...one, weight: '9'.repeat(19) }) },
    'billing.field.form datasets[0].contributors[0].weight',
  ],
  ['an end before its beginning', { to: '2025-01-01T00:00:00+08:00' }, 'billing.field.endsBeforeStart to'],
  ['a day without a zone', { from: '2026-01-01T00:00:00' }, 'billing.field.form from'],
  ['another currency', { currency: 'USD' }, 'billing.field.oneOf currency'],
  ['a field of its own', { bonus: 1 }, 'billing.field.unknown bonus'],
] as const)('an agreement with %s is refused', ([, changes, fault]) => {
  expect(idsOf(agreementFile(changes))).toContain(fault);
});

test('all faults are named at once', () => {
  const changes = { currency: 'USD', mode: 'free', split: shares(['platform', 1]), to: 'soon' };
  expect(idsOf(agreementFile(changes))).toEqual(
    expect.arrayContaining([
      'billing.field.oneOf currency',
      'billing.field.oneOf mode',
      'agreement.sum split[0].shares',
      'billing.field.form to',
    ]),
  );
});

test('a grant is covered by the parties and datasets of its agreement', () => {
  const agreement = parseAgreement(agreementFile());
  const visits = { dataset: 'visits' };
  const grant = { id: 'g-1', authoriser: 'health-bureau', datasets: [visits] };
  expect(coverageFault(agreement, grant)).toBeNull();
  expect(coverageFault(agreement, { ...grant, authoriser: 'tax-bureau' })).toMatchObject({
    id: 'agreement.otherParty',
  });
  expect(coverageFault(agreement, { ...grant, datasets: [visits, { dataset: 'returns' }] })).toMatchObject({
    id: 'agreement.otherData',
    args: { datasets: 'returns' },
  });
});
