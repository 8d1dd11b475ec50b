/** A grant, its standing and a request that the shipped policies allow: what the tests of decisions vary. */
import { type Grant, parseGrant } from '#policies/grant.ts';
import { type Amounts, NOTHING_USED } from '#policies/quota.ts';
import type { Principal, UseRequest } from '#policies/request.ts';
import { type Standing, termsOf } from '#policies/terms.ts';

const SHA256 = 'a'.repeat(64);

/** A grant as a person writes it: every term that a grant must state, and nothing that may be left out. */
export function grantFile() {
  return {
    kind: 'Grant',
    id: 'g-1',
    authoriser: 'health-bureau',
    holder: 'city-university',
    parentAgreement: 'operation-7',
    datasets: [
      { dataset: 'visits', version: 'latest', columns: ['region', 'age', 'cost'], rowScope: 'all' },
      {
        dataset: 'beds',
        version: { id: 'v3' },
        columns: ['ward', 'days'],
        rowScope: { where: "district = 'north'" },
      },
    ],
    rights: ['process_use'],
    scene: { id: 'influenza', description: 'Weekly influenza load of clinics' },
    purposeClass: 'governance_welfare',
    purposes: ['public_welfare'],
    channel: 'operation',
    manners: ['sql', 'program'],
    outputKinds: ['statistic', 'index'],
    start: '2026-01-01T00:00:00+08:00',
    end: '2027-01-01T00:00:00+08:00',
    quota: { total: { runs: 100 } },
    restrictions: { regions: ['CN-31'], sectors: 'any', legal: [] },
    confidentiality: 'Results may be published, the request may not.',
    securityMeasures: ['two-factor sign-in'],
    responsible: {
      authoriser: { name: 'Li Na', contact: 'li.na@example.cn' },
      holder: { name: 'Wang Wei', contact: 'wang.wei@example.cn' },
    },
    legalBasis: 'Data regulation, article 12',
    personalData: true,
    consentReference: 'consent-2025-11',
    prohibitedTerms: ['no attempt to single out a person'],
    liability: 'The holder answers for use outside the scene.',
    disputeResolution: 'Arbitration in Shanghai',
    disposalAfterExpiry: 'Released values may be kept, nothing else is held.',
    usageFeedbackDue: '2027-02-01',
    useAgreement: { id: 'use-3', version: '2', sha256: SHA256 },
    undertaking: {
      version: '1',
      sha256: SHA256,
      signedBy: 'city-university',
      signedAt: '2025-12-20T09:00:00+08:00',
    },
    evidenceDocument: { id: 'evidence-9', sha256: SHA256 },
  };
}

export function grant(changes: Partial<Record<keyof Grant, unknown>> = {}): Grant {
  return parseGrant({ ...grantFile(), ...changes });
}

export const STANDING: Standing = {
  revoked: false,
  suspended: false,
  upstream: [
    { kind: 'useAgreement', id: 'use-3', end: '2027-01-01T00:00:00+08:00', revoked: false },
    { kind: 'operationAgreement', id: 'operation-7', end: '2028-01-01T00:00:00+08:00', revoked: false },
    { kind: 'certificate', id: 'certificate-5', end: '2027-06-01T00:00:00+08:00', revoked: false },
  ],
  approvals: { provider: true, buyer: true, subject: true },
  left: {
    runs: '10',
    calls: '20',
    rows: '1000000',
    outputs: '50',
    computeUnits: '700',
    epsilonNano: '900',
    spendNano: '5000',
  },
};

export const AMOUNTS: Amounts = {
  ...NOTHING_USED,
  runs: '1',
  calls: '1',
  rows: '1000',
  outputs: '5',
  computeUnits: '7',
  epsilonNano: '100',
  spendNano: '20',
};

export const BUYER: Principal = {
  id: 'ana',
  roles: ['buyer'],
  suspended: false,
  org: { id: 'city-university', operator: false, region: 'CN-31', sector: 'education', suspended: false },
};

/** A run that is allowed: every dimension asked is granted. */
export function runRequest(): UseRequest {
  return {
    action: 'run',
    principal: BUYER,
    dataset: {
      id: 'visits',
      provider: 'health-bureau',
      providerSuspended: false,
      grade: 'important',
      origin: 'personal',
      suspended: false,
    },
    grant: termsOf(grant(), 'visits', STANDING),
    ask: {
      purpose: 'public_health',
      scene: 'influenza',
      channel: 'operation',
      manner: 'sql',
      program: 'none',
      outputKind: 'statistic',
      version: 'v8',
      rowScope: 'all',
      columns: ['region', 'cost'],
      amounts: AMOUNTS,
    },
    now: '2026-06-01T12:00:00+08:00',
  };
}
