/** Requests that fail exactly one forbid each, and requests that are allowed: the table of the decision tests. */
import type { DecisionCode } from '#policies/engine.ts';
import { QUOTA_UNITS } from '#policies/quota.ts';
import type {
  DecisionRequest,
  FileRequest,
  Principal,
  ReadRequest,
  SuspendDatasetRequest,
  UseRequest,
} from '#policies/request.ts';
import type { GrantTerms } from '#policies/terms.ts';
import { BUYER, runRequest } from './request-fixture.ts';

export interface DenialCase {
  readonly name: string;
  /** The forbid that must deny, alone. */
  readonly policy: string;
  readonly code: DecisionCode;
  readonly request: DecisionRequest;
}

const base = runRequest();

/** Of a program. */
const DIGEST = `sha256:${'a'.repeat(64)}`;

function terms(changes: Partial<GrantTerms>): Pick<UseRequest, 'grant'> {
  if (base.grant === null) throw new RangeError('the fixture has a grant');
  return { grant: { ...base.grant, ...changes } };
}

const use = (changes: Partial<UseRequest>): UseRequest => ({ ...base, ...changes });
const ask = (changes: Partial<UseRequest['ask']>): UseRequest => use({ ask: { ...base.ask, ...changes } });
const granted = (changes: Partial<GrantTerms>): UseRequest => use(terms(changes));
const dataset = (changes: Partial<UseRequest['dataset']>): UseRequest =>
  use({ dataset: { ...base.dataset, ...changes } });
const principal = (changes: Partial<Principal>): UseRequest => use({ principal: { ...BUYER, ...changes } });
const org = (changes: Partial<Principal['org']>): UseRequest =>
  principal({ org: { ...BUYER.org, ...changes } });
const approvals = (changes: Partial<GrantTerms['approvals']>): UseRequest =>
  granted({ approvals: { provider: true, buyer: true, subject: true, ...changes } });

const OFFICER: Principal = {
  id: 'otto',
  roles: ['provider'],
  suspended: false,
  org: { id: 'health-bureau', operator: false, region: 'CN-31', sector: 'health', suspended: false },
};

/** The provider's officer approves a grant that another organisation applied for. */
const APPROVAL: FileRequest = {
  action: 'approve_grant',
  principal: OFFICER,
  file: { id: 'g-1', applicant: 'city-university', provider: 'health-bureau', submitter: 'ana' },
};

const approval = (changes: Partial<FileRequest['file']>): FileRequest => ({
  ...APPROVAL,
  file: { ...APPROVAL.file, ...changes },
});

const OPERATOR: Principal = {
  ...OFFICER,
  id: 'olga',
  roles: ['operator'],
  org: { ...OFFICER.org, id: 'data-group', operator: true },
};

/** The provider's officer decides about an answer that another organisation's account asked for. */
const REVIEW: FileRequest = {
  ...APPROVAL,
  action: 'review_release',
  file: { ...APPROVAL.file, id: 'job-1' },
};

const review = (changes: Partial<FileRequest['file']>, by: Partial<Principal> = {}): FileRequest => ({
  ...REVIEW,
  principal: { ...OFFICER, ...by },
  file: { ...REVIEW.file, ...changes },
});

/** The buyer reads the query text of its own run. */
const READING: ReadRequest = {
  action: 'read_query_text',
  principal: BUYER,
  run: { id: 'run-1', buyer: 'city-university', providers: ['health-bureau'], operator: 'data-group' },
};

/** The provider suspends its own dataset. */
const SUSPENDING: SuspendDatasetRequest = {
  action: 'suspend',
  principal: OFFICER,
  dataset: base.dataset,
};

export const ALLOWED: readonly {
  readonly name: string;
  readonly permit: string;
  readonly request: DecisionRequest;
}[] = [
  { name: 'run', permit: 'use', request: base },
  { name: 'quote', permit: 'use', request: use({ action: 'quote' }) },
  {
    name: 'resell with the right to',
    permit: 'use',
    request: use({ action: 'resell', ...terms({ rights: ['operate_product'] }) }),
  },
  {
    name: 'a version and a row scope that are granted',
    permit: 'use',
    request: use({
      ...terms({ version: 'v8', rowScope: "where district = 'north'" }),
      ask: { ...base.ask, rowScope: "where district = 'north'" },
    }),
  },
  {
    name: 'data about no person, without consent and subjects',
    permit: 'use',
    request: use({
      ...terms({
        personalData: false,
        consented: false,
        approvals: { provider: true, buyer: true, subject: false },
      }),
      dataset: { ...base.dataset, origin: 'public' },
    }),
  },
  {
    name: 'a program that the grant lists',
    permit: 'use',
    request: use({
      ...terms({ programs: [DIGEST] }),
      ask: { ...base.ask, manner: 'program', program: DIGEST },
    }),
  },
  {
    name: 'a program under a grant that lists none',
    permit: 'use',
    request: ask({ manner: 'program', program: DIGEST }),
  },
  {
    name: 'submit a program for the own organisation',
    permit: 'submit-program',
    request: { action: 'submit_program', principal: BUYER, organisation: 'city-university' },
  },
  {
    name: 'withdraw the own program',
    permit: 'withdraw-own-program',
    request: { ...APPROVAL, action: 'withdraw_program', principal: BUYER },
  },
  {
    name: 'read a program that reads the own data',
    permit: 'read-program-as-provider',
    request: { ...APPROVAL, action: 'read_program' },
  },
  {
    name: 'suspend an organisation',
    permit: 'withdraw',
    request: { action: 'suspend_organisation', principal: OPERATOR, organisation: 'city-university' },
  },
  { name: 'approve for the provider', permit: 'approve-as-provider', request: APPROVAL },
  { name: 'review an answer for the provider', permit: 'approve-as-provider', request: REVIEW },
  {
    name: 'review an answer for the operator',
    permit: 'approve-as-operator',
    request: { ...REVIEW, principal: OPERATOR },
  },
  { name: 'read own query text', permit: 'read-as-buyer', request: READING },
  { name: 'suspend own dataset', permit: 'withdraw-as-provider', request: SUSPENDING },
  {
    name: 'register own dataset',
    permit: 'register-as-provider',
    request: { action: 'register_dataset', principal: OFFICER, provider: 'health-bureau' },
  },
];

function denial(policy: string, code: DecisionCode, name: string, request: DecisionRequest): DenialCase {
  return { name, policy, code, request };
}

export const DENIALS: readonly DenialCase[] = [
  denial(
    'duties-operator',
    'NO_GRANT',
    'a buyer who is operator staff',
    principal({ roles: ['buyer', 'operator'] }),
  ),
  denial('duties-operator', 'NO_GRANT', "a buyer of the operator's organisation", org({ operator: true })),
  denial(
    'duties-supervisor',
    'NO_GRANT',
    'a buyer who supervises',
    principal({ roles: ['buyer', 'supervisor'] }),
  ),
  denial('duties-auditor', 'NO_GRANT', 'a buyer who audits', principal({ roles: ['buyer', 'auditor'] })),
  denial('duties-auditor', 'NO_GRANT', 'an approver who audits', {
    ...APPROVAL,
    principal: { ...OFFICER, roles: ['provider', 'auditor'] },
  }),
  denial(
    'duties-own-application',
    'NO_GRANT',
    'an approver of the applicant',
    approval({ applicant: 'health-bureau' }),
  ),
  denial('duties-own-application', 'NO_GRANT', 'an approver of the applicant, for a program', {
    ...approval({ applicant: 'health-bureau' }),
    action: 'approve_program',
  }),
  denial('duties-own-submission', 'NO_GRANT', 'an approver who submitted', approval({ submitter: 'otto' })),
  denial(
    'duties-auditor',
    'NO_GRANT',
    'a reviewer who audits',
    review({}, { roles: ['provider', 'auditor'] }),
  ),
  denial(
    'duties-own-application',
    'NO_GRANT',
    'a reviewer of the applicant',
    review({ applicant: 'health-bureau' }),
  ),
  denial('duties-own-application', 'NO_GRANT', 'a reviewer of an applicant that runs the platform', {
    ...review({ applicant: 'data-group' }),
    principal: OPERATOR,
  }),
  denial('duties-own-submission', 'NO_GRANT', 'a reviewer who asked', review({ submitter: 'otto' })),
  denial('suspended-client', 'GRANT_REVOKED', 'a suspended reviewer', review({}, { suspended: true })),
  denial('duties-billing', 'NO_GRANT', 'query text for whoever bills', {
    ...READING,
    principal: { ...BUYER, roles: ['buyer', 'billing'] },
  }),
  denial(
    'approval-provider',
    'NO_GRANT',
    "no approval of the provider's side",
    approvals({ provider: false }),
  ),
  denial('approval-buyer', 'NO_GRANT', "no approval of the buyer's side", approvals({ buyer: false })),
  denial('approval-subject', 'NO_GRANT', 'no approval of the data subjects', approvals({ subject: false })),
  denial('consent', 'NO_GRANT', 'personal data without consent', granted({ consented: false })),
  denial('approval-subject', 'NO_GRANT', 'no approval of the data subjects of a public dataset', {
    ...approvals({ subject: false }),
    dataset: { ...base.dataset, origin: 'public' },
  }),
  denial('consent', 'NO_GRANT', 'a personal dataset that the grant does not call personal', {
    ...granted({ consented: false, personalData: false }),
  }),
  denial('channel', 'NO_GRANT', 'another channel', ask({ channel: 'open' })),
  denial('version', 'NO_GRANT', 'another version', granted({ version: 'v7' })),
  denial('row-scope', 'NO_GRANT', 'a wider row scope', granted({ rowScope: 'where age > 17' })),
  denial('region', 'NO_GRANT', 'another region', org({ region: 'CN-11' })),
  denial('sector', 'NO_GRANT', 'another sector', granted({ sectors: ['health'] })),
  denial('revoked', 'GRANT_REVOKED', 'a revoked grant', granted({ revoked: ['grant'] })),
  denial('revoked', 'GRANT_REVOKED', 'a revoked agreement', granted({ revoked: ['operationAgreement'] })),
  denial('suspended-grant', 'GRANT_REVOKED', 'a suspended grant', granted({ suspended: true })),
  denial('suspended-dataset', 'GRANT_REVOKED', 'a suspended dataset', dataset({ suspended: true })),
  denial('suspended-provider', 'GRANT_REVOKED', 'a suspended provider', dataset({ providerSuspended: true })),
  denial('suspended-client', 'GRANT_REVOKED', 'a suspended account', principal({ suspended: true })),
  denial('suspended-org', 'GRANT_REVOKED', 'a suspended organisation', org({ suspended: true })),
  denial('suspended-org', 'GRANT_REVOKED', 'an approver of a suspended organisation', {
    ...APPROVAL,
    principal: { ...OFFICER, org: { ...OFFICER.org, suspended: true } },
  }),
  denial(
    'not-yet-valid',
    'GRANT_EXPIRED',
    'a millisecond early',
    use({ now: '2025-12-31T23:59:59.999+08:00' }),
  ),
  denial('expired', 'GRANT_EXPIRED', 'at the very end', use({ now: '2027-01-01T00:00:00+08:00' })),
  denial('purpose', 'PURPOSE_NOT_GRANTED', 'another purpose', ask({ purpose: 'market_analysis' })),
  denial('purpose', 'PURPOSE_NOT_GRANTED', 'a wider purpose', ask({ purpose: 'governance_welfare' })),
  denial('scene', 'PURPOSE_NOT_GRANTED', 'another scene', ask({ scene: 'insurance-pricing' })),
  denial('right-to-process', 'MODE', 'no right to process', granted({ rights: ['hold', 'operate_product'] })),
  denial('right-to-resell', 'MODE', 'no right to resell', use({ action: 'resell' })),
  denial('manner', 'MODE', 'another manner', {
    ...ask({ manner: 'encrypted' }),
    dataset: { ...base.dataset, grade: 'business_important' },
  }),
  denial('program', 'MODE', 'a program that the grant does not list', {
    ...granted({ programs: [`sha256:${'b'.repeat(64)}`] }),
    ask: { ...base.ask, manner: 'program', program: DIGEST },
  }),
  denial('duties-auditor', 'NO_GRANT', 'a submitter who audits', {
    action: 'submit_program',
    principal: { ...BUYER, roles: ['buyer', 'auditor'] },
    organisation: 'city-university',
  }),
  denial('grade-core', 'GRADE', 'core data', dataset({ grade: 'core' })),
  denial('grade-important', 'GRADE', 'important data outside the sandbox', {
    ...granted({ manners: ['sql', 'federated'] }),
    ask: { ...base.ask, manner: 'federated' },
  }),
  denial('verification', 'OUTPUT_KIND', 'verification, though granted', {
    ...granted({ outputKinds: ['verification'] }),
    ask: { ...base.ask, outputKind: 'verification' },
  }),
  denial('output-kind', 'OUTPUT_KIND', 'another output kind', ask({ outputKind: 'model' })),
  denial('columns', 'COLUMN', 'a column more', ask({ columns: ['region', 'name'] })),
  ...QUOTA_UNITS.map((unit) =>
    denial('quota', 'QUOTA', `one of ${unit} too many`, {
      ...base,
      ...terms({ left: { ...(base.grant?.left ?? { runs: '0' }), [unit]: '0' } as GrantTerms['left'] }),
    }),
  ),
];
