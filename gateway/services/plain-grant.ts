/** A grant on data that are nobody's: every term that a grant must state, filled in for practice and demonstration. */
import { createHash } from 'node:crypto';

const DAY_MS = 86_400_000;

/** What differs between such grants. */
export interface PlainGrant {
  readonly id: string;
  readonly dataset: string;
  readonly columns: readonly string[];
  readonly authoriser: string;
  readonly holder: string;
  readonly purpose: string;
  readonly scene: string;
  readonly runs: number;
}

/** A grant as its file: in force from yesterday for a year. */
export function plainGrant(grant: PlainGrant, now: number): object {
  const at = (days: number): string => new Date(now + days * DAY_MS).toISOString();
  const paper = (name: string): string => createHash('sha256').update(`no paper: ${name}`).digest('hex');
  return {
    kind: 'Grant',
    id: grant.id,
    authoriser: grant.authoriser,
    holder: grant.holder,
    parentAgreement: 'none',
    datasets: [{ dataset: grant.dataset, version: 'latest', columns: grant.columns, rowScope: 'all' }],
    rights: ['process_use'],
    scene: { id: grant.scene, description: 'Practice and demonstration; nobody is in the data' },
    purposeClass: 'governance_welfare',
    purposes: [grant.purpose],
    channel: 'operation',
    manners: ['sql', 'program'],
    outputKinds: ['statistic', 'index'],
    start: at(-1),
    end: at(365),
    quota: { total: { runs: grant.runs } },
    restrictions: { regions: 'any', sectors: 'any', legal: [] },
    confidentiality: 'released values may be published',
    securityMeasures: ['a key of its own per account'],
    responsible: {
      authoriser: { name: grant.authoriser, contact: 'none' },
      holder: { name: grant.holder, contact: 'none' },
    },
    legalBasis: 'none needed: nobody is in the data',
    personalData: false,
    prohibitedTerms: ['no attempt to single out a person'],
    liability: 'none',
    disputeResolution: 'none',
    disposalAfterExpiry: 'released values may be kept',
    usageFeedbackDue: at(370).slice(0, 10),
    useAgreement: { id: 'none', version: '1', sha256: paper('use agreement') },
    undertaking: { version: '1', sha256: paper('undertaking'), signedBy: grant.holder, signedAt: at(-1) },
    evidenceDocument: { id: 'none', sha256: paper('evidence') },
  };
}
