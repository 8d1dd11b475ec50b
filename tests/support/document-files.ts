/** Filed documents as their files say: an agreement and a product that parse, for tests to change. */
import type { Database } from '#gateway/storage/database.ts';
import { approveDocument, fileDocument } from '#gateway/storage/documents.ts';

/** An agreement of the health bureau about its visits. */
export function agreementFile(changes: Readonly<Record<string, unknown>> = {}) {
  return {
    kind: 'Agreement',
    id: 'OA-2026-014',
    title: 'Operation of hospital visit data',
    contractNumber: 'HT-2026-0031',
    filingNumber: null,
    parties: { authoriser: 'health-bureau', operator: 'platform', providers: ['health-bureau'] },
    mode: 'scene',
    from: '2026-01-01T00:00:00+08:00',
    to: '2029-01-01T00:00:00+08:00',
    conditions: ['results leave through the sandbox only'],
    operatingModel: 'the operator runs the sandbox and sells results',
    exit: 'data and keys are destroyed within 30 days',
    securityResponsibility: 'the operator answers for the sandbox, the bureau for its data',
    riskAssessment: { id: 'RA-7', sha256: 'a'.repeat(64) },
    collectiveDecision: { id: 'CD-3', sha256: 'b'.repeat(64) },
    currency: 'CNY',
    datasets: [
      {
        dataset: 'visits',
        contributors: [
          { contributor: 'hospital-1', weight: 2 },
          { contributor: 'hospital-2', weight: '1' },
        ],
      },
    ],
    payees: [
      { id: 'platform', type: 'operator', name: 'City Data Group' },
      { id: 'city-finance', type: 'treasury', name: 'Finance Bureau' },
    ],
    split: [
      {
        feeType: 'data_usage',
        shares: [
          { to: 'contributors', partsPerMillion: 700_000 },
          { to: 'city-finance', partsPerMillion: 300_000 },
        ],
      },
      { feeType: 'technical_service', shares: [{ to: 'platform', partsPerMillion: 1_000_000 }] },
    ],
    evidence: { id: 'OA-2026-014.pdf', sha256: 'c'.repeat(64) },
    ...changes,
  };
}

/** A product: visits by region of patients up to an age. */
export function productFile(changes: Readonly<Record<string, unknown>> = {}) {
  return {
    kind: 'Product',
    id: 'P-0012',
    title: 'Visits by region',
    description: 'How many visits there were in each region, of patients up to an age.',
    outputKind: 'statistic',
    outputSchema: [
      { name: 'region', type: 'text', unit: null },
      { name: 'visits', type: 'number', unit: 'visits' },
    ],
    scene: 'influenza',
    meterUnit: 'calls',
    from: '2026-01-01T00:00:00+08:00',
    to: null,
    sql: {
      template: 'SELECT region, COUNT(*) AS visits FROM visits WHERE age <= {{age}} GROUP BY region',
      parameters: { age: { type: 'integer', min: 1, max: 120 } },
    },
    epsilon: 0.25,
    purposes: ['public_health'],
    ...changes,
  };
}

/** Two wordings of a document, one after the other, each filed by one and approved by the other. */
export async function fileTwice(db: Database, [maker, checker]: readonly [string, string]): Promise<void> {
  const year = new Date().getUTCFullYear();
  for (const from of [year - 1, year + 1]) {
    const dates = { from: new Date(Date.UTC(from, 0)), to: null };
    const filed = { kind: 'Product', id: 'P-1', body: { from }, ...dates, by: maker } as const;
    const { revision } = await fileDocument(db, filed);
    await approveDocument(db, { kind: 'Product', id: 'P-1', revision, by: checker });
  }
}
