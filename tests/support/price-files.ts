/** Documents of prices for tests: a ceiling with the figures of the rules, a cap below it, and a card below that. */

/** C 18.5 m, r 8.30 %, P 1.5355 m: a ceiling of 20.0355 m. */
export const CEILING_INPUTS = {
  surveyYear: 2026,
  costs: [
    { item: 'platform_build_and_operation', amount: '12000000.00' },
    { item: 'transmission', amount: '500000.00' },
    { item: 'aggregation', amount: '500000.00' },
    { item: 'storage', amount: '1000000.00' },
    { item: 'governance', amount: '2000000.00' },
    { item: 'staff', amount: '3000000.00' },
    { item: 'obtaining_public_data', amount: '400000.00' },
    { item: 'period_expenses', amount: '600000.00' },
  ],
  subsidy: '1500000.00',
  bondYield: { year: 2025, percent: '2.30' },
  margin: '6.00',
  taxes: '0',
};

const SHA256 = 'a'.repeat(64);

export function ceilingFile(changes: object = {}): Record<string, unknown> {
  return {
    kind: 'RevenueCeiling',
    id: 'RCL-city',
    title: 'Permitted revenue of the city’s data operation',
    region: 'Deer City',
    agreements: 'all',
    feeTypes: ['technical_service', 'data_usage'],
    authority: 'price authority with the data department',
    decision: { number: 'PD-2026-17', sha256: SHA256 },
    cycle: { from: 2027, to: 2029 },
    inputs: CEILING_INPUTS,
    carryOver: { opening: '0.00', cycles: 1 },
    from: '2027-01-01T00:00:00+08:00',
    to: '2030-01-01T00:00:00+08:00',
    ...changes,
  };
}

export function capFile(changes: object = {}): Record<string, unknown> {
  return {
    kind: 'PriceCap',
    id: 'PC-visits',
    title: 'Cap on hospital visits',
    authority: 'health-bureau',
    report: { number: 'HB-2026-4', date: '2026-09-30', sha256: SHA256 },
    ceiling: 'RCL-city',
    applies: { dataset: 'visits' },
    scene: 'any',
    feeType: 'data_usage',
    taxInclusive: true,
    from: '2027-01-01T00:00:00+08:00',
    to: null,
    caps: [{ basis: 'calls', maxUnitPrice: '0.005', per: '1', projectedPerYear: '4000000' }],
    ...changes,
  };
}

export function cardFile(changes: object = {}): Record<string, unknown> {
  return {
    kind: 'RateCard',
    id: 'RC-visits',
    title: 'Hospital visits',
    applies: { dataset: 'visits' },
    scene: 'any',
    feeType: 'data_usage',
    payee: 'health-bureau',
    currency: 'CNY',
    priceSource: 'guided',
    guidanceDocument: 'PD-2026-17',
    state: 'trial',
    from: '2027-01-01T00:00:00+08:00',
    to: null,
    charges: [{ basis: 'calls', model: 'unit', unitPrice: '0.004', per: '1' }],
    tax: { rateBasisPoints: 600, inclusive: true },
    ...changes,
  };
}
