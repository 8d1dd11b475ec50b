/**
 * The terms of a grant as a decision needs them: the grant and its standing, for one dataset, at one moment.
 *
 * Guarantee: every condition that upstream agreements, certificates, suspensions and counters put on a grant is
 * in the terms, so that an upstream end or revocation takes effect in the next decision. The terms name no
 * person, so a decision record may be kept for as long as the law asks.
 */
import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import {
  type Channel,
  effectiveEnd,
  type Grant,
  type Manner,
  type OutputKind,
  type RightKind,
} from './grant.ts';
import type { Purpose } from './purpose.ts';
import type { AmountsLeft } from './quota.ts';

/** Something a grant rests on. */
export interface Upstream {
  readonly kind: 'useAgreement' | 'operationAgreement' | 'certificate';
  readonly id: string;
  /** ISO 8601 with a zone. */
  readonly end: string;
  readonly revoked: boolean;
}

/** What is true of a grant now and stands in no file. */
export interface Standing {
  readonly revoked: boolean;
  readonly suspended: boolean;
  /** Every agreement and certificate the grant rests on. */
  readonly upstream: readonly Upstream[];
  /** Whose side has approved: the provider's, the buyer's, and for personal data the data subjects'. */
  readonly approvals: { readonly provider: boolean; readonly buyer: boolean; readonly subject: boolean };
  readonly left: AmountsLeft;
}

export interface GrantTerms {
  readonly id: string;
  /** SHA-256 (hex) of the canonical grant: which wording of it was decided on. */
  readonly digest: string;
  readonly holder: string;
  readonly datasets: readonly string[];
  /** The version granted; null when any is. */
  readonly version: string | null;
  /** Columns of the dataset asked; none when the grant does not cover it. */
  readonly columns: readonly string[];
  /** `all`, or the row filter of the dataset asked. */
  readonly rowScope: string;
  readonly rights: readonly RightKind[];
  readonly scene: string;
  readonly purposes: readonly Purpose[];
  readonly channel: Channel;
  readonly manners: readonly Manner[];
  readonly outputKinds: readonly OutputKind[];
  /** Digests of the only programs that may run; null: any that is approved. */
  readonly programs: readonly string[] | null;
  /** Null: any. */
  readonly regions: readonly string[] | null;
  readonly sectors: readonly string[] | null;
  readonly start: string;
  /** The effective end, and which document sets it. */
  readonly end: string;
  readonly endedBy: Upstream['kind'] | 'grant';
  /** What has been revoked: the grant or something it rests on. */
  readonly revoked: readonly (Upstream['kind'] | 'grant')[];
  readonly suspended: boolean;
  readonly approvals: Standing['approvals'];
  readonly personalData: boolean;
  readonly consented: boolean;
  readonly left: AmountsLeft;
}

/** SHA-256 (hex) of the canonical JSON (RFC 8785) of a grant. */
export function grantDigest(grant: Grant): string {
  return createHash('sha256')
    .update(canonicalize(grant) ?? '')
    .digest('hex');
}

/** The terms of a grant for one of its datasets. A dataset it does not cover gets terms that cover nothing. */
export function termsOf(grant: Grant, dataset: string, standing: Standing): GrantTerms {
  const granted = grant.datasets.find((entry) => entry.dataset === dataset);
  const end = effectiveEnd(
    grant,
    standing.upstream.map((document) => document.end),
  );
  const ending = standing.upstream.find((document) => new Date(document.end).toISOString() === end);
  const revoked = standing.upstream.filter((document) => document.revoked).map(({ kind }) => kind);
  const { regions, sectors } = grant.restrictions;
  return {
    id: grant.id,
    digest: grantDigest(grant),
    holder: grant.holder,
    datasets: grant.datasets.map((entry) => entry.dataset),
    version: granted === undefined || granted.version === 'latest' ? null : granted.version.id,
    columns: granted?.columns ?? [],
    rowScope: rowScopeText(granted?.rowScope ?? 'all'),
    rights: grant.rights,
    scene: grant.scene.id,
    purposes: grant.purposes,
    channel: grant.channel,
    manners: grant.manners,
    outputKinds: grant.outputKinds,
    programs: grant.programs ?? null,
    regions: regions === 'any' ? null : regions,
    sectors: sectors === 'any' ? null : sectors,
    start: grant.start,
    end,
    endedBy: end === grant.end || ending === undefined ? 'grant' : ending.kind,
    revoked: standing.revoked ? ['grant', ...revoked] : revoked,
    suspended: standing.suspended,
    approvals: standing.approvals,
    personalData: grant.personalData,
    consented: grant.consentReference !== null,
    left: standing.left,
  };
}

/** A row scope as one text, so that two can be compared: `all`, or `where ` and the filter. */
function rowScopeText(scope: Grant['datasets'][number]['rowScope']): string {
  return scope === 'all' ? 'all' : `where ${scope.where}`;
}
