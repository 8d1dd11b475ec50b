/** The papers of `unseen demo --billing`: cap, rate cards, product, agreement, and the grant under them. */
import { createHash } from 'node:crypto';
import { plainGrant } from '../services/plain-grant.ts';

export const DATASET = 'visits';
const AGREEMENT = 'OA-2026-001';
export const PRODUCT = 'P-0001';
export const GRANT = 'demo-billing';
const SCENE = 'hospital-planning';
/** A purpose of industry: what serves the public is free. */
export const PURPOSE = 'health_industry';
const COLUMNS = ['region', 'hospital_level', 'visited_on', 'age', 'cost'];
const PAID_IN = { currency: 'CNY', tax: { rateBasisPoints: 600, inclusive: true } };

/** A paper, by whom it is filed and by whom it is approved. */
export interface Paper {
  readonly kind: 'PriceCap' | 'RateCard' | 'Product' | 'Agreement';
  readonly filedBy: 'operator' | 'provider' | 'supervisor';
  readonly approvedBy: 'second' | 'provider' | 'supervisor';
  readonly body: { readonly id: string };
}

/** All papers, in the order in which they are needed; in force from an instant on. */
export function papersOf(from: string, operator: string): readonly Paper[] {
  return [
    cap(
      'CAP-visits-data',
      'data_usage',
      [{ basis: 'calls', maxUnitPrice: '60', per: '1', projectedPerYear: '1000' }],
      from,
    ),
    cap(
      'CAP-visits-service',
      'technical_service',
      [{ basis: 'outputs', maxUnitPrice: '2', per: '1', projectedPerYear: '10000' }],
      from,
    ),
    card(
      'RC-visits-data',
      'data_usage',
      'city-provider',
      [
        {
          basis: 'calls',
          model: 'graduated',
          per: '1',
          tiers: [
            { upTo: '2', unitPrice: '50' },
            { upTo: null, unitPrice: '33.333' },
          ],
        },
      ],
      from,
    ),
    card(
      'RC-visits-service',
      'technical_service',
      'operator',
      [{ basis: 'outputs', model: 'unit', per: '1', unitPrice: '0.8' }],
      from,
    ),
    ...product(from),
    agreement(from, operator),
  ];
}

function cap(id: string, feeType: string, caps: readonly object[], from: string): Paper {
  const body = {
    kind: 'PriceCap',
    id,
    title: 'Most for answers about visits',
    authority: 'city-provider',
    report: { number: '2026-17', date: from.slice(0, 10), sha256: digestOf(`${id} report`) },
    ceiling: null,
    applies: { dataset: DATASET },
    scene: 'any',
    feeType,
    taxInclusive: true,
    from,
    caps,
  };
  return { kind: 'PriceCap', filedBy: 'provider', approvedBy: 'supervisor', body };
}

function card(id: string, feeType: string, payee: string, charges: readonly object[], from: string): Paper {
  return {
    kind: 'RateCard',
    filedBy: 'operator',
    approvedBy: 'second',
    body: cardBody(id, { dataset: DATASET }, { feeType, payee, charges, from }),
  };
}

function cardBody(
  id: string,
  applies: object,
  {
    feeType,
    payee,
    charges,
    from,
  }: {
    readonly feeType: string;
    readonly payee: string;
    readonly charges: readonly object[];
    readonly from: string;
  },
) {
  return {
    kind: 'RateCard',
    id,
    title: `Answers about visits: ${feeType}`,
    applies,
    scene: 'any',
    feeType,
    payee,
    priceSource: 'guided',
    guidanceDocument: 'Price notice 2026-17',
    state: 'trial',
    from,
    to: null,
    charges,
    bills: { failed: false },
    discounts: [],
    ...PAID_IN,
  };
}

/** A question that is asked at a fixed price, and its card. */
function product(from: string): readonly Paper[] {
  const body = {
    kind: 'Product',
    id: PRODUCT,
    title: 'Visits of a month by region',
    description: 'How many visits there were in each region in one month.',
    outputKind: 'statistic',
    outputSchema: [
      { name: 'region', type: 'text', unit: null },
      { name: 'visits', type: 'number', unit: 'visits' },
    ],
    scene: SCENE,
    meterUnit: 'runs',
    from,
    to: null,
    sql: {
      template:
        'SELECT region, COUNT(*) AS visits FROM visits WHERE visited_on >= {{month.from}} AND visited_on < {{month.to}} GROUP BY region',
      parameters: { month: { type: 'month', earliest: '2024-01', latest: '2026-12' } },
    },
    epsilon: 0.25,
    purposes: [PURPOSE],
  };
  const charges = [{ basis: 'runs', model: 'flat', unitPrice: '99' }];
  const terms = { feeType: 'technical_service', payee: 'operator', charges, from };
  const priced = cardBody(`RC-${PRODUCT}`, { product: PRODUCT }, terms);
  const capped = cap(
    'CAP-P-0001',
    'technical_service',
    [{ basis: 'runs', maxUnitPrice: '120', per: '1', projectedPerYear: '100' }],
    from,
  );
  return [
    { kind: 'Product', filedBy: 'operator', approvedBy: 'second', body },
    { ...capped, body: { ...capped.body, applies: { product: PRODUCT } } as Paper['body'] },
    { kind: 'RateCard', filedBy: 'operator', approvedBy: 'second', body: priced },
  ];
}

function agreement(from: string, operator: string): Paper {
  const to = new Date(Date.parse(from) + 3 * 365 * 86_400_000).toISOString();
  const body = {
    kind: 'Agreement',
    id: AGREEMENT,
    title: 'Operation of hospital visit data',
    contractNumber: 'HT-2026-0031',
    filingNumber: null,
    parties: { authoriser: 'city-provider', operator, providers: ['city-provider'] },
    mode: 'scene',
    from,
    to,
    conditions: ['answers leave through the sandbox only'],
    operatingModel: 'the operator runs the sandbox and sells answers',
    exit: 'keys and copies are destroyed within 30 days',
    securityResponsibility: 'the operator answers for the sandbox, the provider for its data',
    riskAssessment: { id: 'RA-7', sha256: digestOf('risk assessment') },
    collectiveDecision: null,
    currency: 'CNY',
    datasets: [
      {
        dataset: DATASET,
        contributors: [
          { contributor: 'hospital-a', weight: 2 },
          { contributor: 'hospital-b', weight: 1 },
        ],
      },
    ],
    payees: [
      { id: operator, type: 'operator', name: 'City data operator' },
      { id: 'city-finance', type: 'treasury', name: 'City finance bureau' },
    ],
    split: [
      {
        feeType: 'data_usage',
        shares: [
          { to: 'contributors', partsPerMillion: 700_000 },
          { to: 'city-finance', partsPerMillion: 300_000 },
        ],
      },
      { feeType: 'technical_service', shares: [{ to: operator, partsPerMillion: 1_000_000 }] },
    ],
    evidence: { id: `${AGREEMENT}.pdf`, sha256: digestOf('agreement') },
  };
  return { kind: 'Agreement', filedBy: 'operator', approvedBy: 'provider', body };
}

/** A grant under the agreement, with a cap on money. */
export function billedGrant(now: number): object {
  const terms = {
    id: GRANT,
    dataset: DATASET,
    columns: COLUMNS,
    authoriser: 'city-provider',
    holder: 'city-buyer',
  };
  return {
    ...plainGrant({ ...terms, purpose: PURPOSE, scene: SCENE, runs: 100 }, now),
    parentAgreement: AGREEMENT,
    purposeClass: 'industry',
    start: new Date(now).toISOString(),
    // In billionths of a yuan: 1,000 yuan.
    quota: { total: { runs: 100, spendNano: '1000000000000' } },
  };
}

/** There is no paper: these are what its digest would be of. */
export function digestOf(name: string): string {
  return createHash('sha256').update(`no paper: ${name}`).digest('hex');
}
