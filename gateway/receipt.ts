/** The receipt of a released answer: one form for the lab and the runner, from the Plan and what is around it. */
import { digestOf } from '#crypto/canonical.ts';
import { thumbprintOf } from '#crypto/ed25519-key.ts';
import type { Attestation } from '#crypto/he/order.ts';
import type { ReceiptPayload } from '#crypto/receipt-payload.ts';
import type { ReleasePolicy } from '#sandbox/manifest/policy.ts';
import type { Plan, PlannedEncryption, PlannedProgram, ReleasedCell } from '#sandbox/plan.ts';
import { typeOf } from '#sandbox/expression.ts';
import { bitsOutOf } from '#sandbox/release/bits-out.ts';
import { decimal, mechanismOf, planDigestOf } from '#sandbox/release/statement.ts';
import type { DocumentRef } from './billing/facts.ts';

/** What a receipt states beside the Plan. */
export interface ReceiptParts {
  readonly issuer: string;
  readonly jobId: string;
  readonly releaseId: string;
  readonly request: ReceiptPayload['request'];
  readonly grantId: string | null;
  readonly purpose: string | null;
  readonly policyDecision: ReceiptPayload['policyDecision'];
  readonly commitment: string;
  readonly budget: ReceiptPayload['budget'];
  readonly outputDigest: string;
  readonly usage: Readonly<Record<string, string>>;
  readonly layers: readonly string[];
  /** Of encrypted data: what their custodian signed. */
  readonly attestation?: Attestation | null;
  readonly separation: ReceiptPayload['separation'];
  /** ISO 8601 with offset. */
  readonly releasedAt: string;
}

/** The payload of a receipt for released cells. */
export function releasedPayload(
  plan: Plan,
  policy: ReleasePolicy,
  cells: readonly ReleasedCell[],
  parts: ReceiptParts,
): ReceiptPayload {
  const { unit, nano, thresholdDeltaYocto, epsilon, delta } = plan.cost;
  const { name, lineage, versionId } = plan.dataset;
  return {
    version: '1',
    issuer: parts.issuer,
    jobId: parts.jobId,
    decision: 'released',
    code: null,
    repeat: false,
    releaseId: parts.releaseId,
    request: parts.request,
    grantId: parts.grantId,
    purpose: parts.purpose,
    policyDecision: parts.policyDecision,
    policyDigest: `sha256:${policy.digest}`,
    datasets: [{ name, lineage, versionId, commitment: parts.commitment }],
    planDigest: planDigestOf(plan),
    program: plan.program === undefined ? null : programOf(plan.program),
    mechanism: mechanismOf(plan),
    ...(plan.encrypted !== undefined && {
      encrypted: encryptedOf(plan.encrypted, parts.attestation ?? null),
    }),
    cost: {
      unit,
      nano: String(nano),
      thresholdDeltaYocto: String(thresholdDeltaYocto),
      epsilon: decimal(epsilon),
      delta: decimal(delta),
    },
    budget: parts.budget,
    output: { digest: parts.outputDigest, saltId: parts.releaseId },
    usage: { ...parts.usage },
    jail: { demanded: policy.jail, layers: [...parts.layers] },
    separation: parts.separation,
    timing: timingText(plan),
    releasedAt: parts.releasedAt,
    bitsOut: bitsOutOf(plan, cells),
  };
}

function encryptedOf(
  { manifestDigest, keyId, profile, custodian }: PlannedEncryption,
  attestation: Attestation | null,
): NonNullable<ReceiptPayload['encrypted']> {
  if (attestation === null) throw new RangeError('noise of encrypted data is attested');
  return {
    manifestDigest: `sha256:${manifestDigest}`,
    keyId,
    profile,
    custodian: thumbprintOf({ kty: 'OKP', crv: 'Ed25519', x: custodian }),
    orderDigest: attestation.orderDigest,
    boundedBy: 'provider',
  };
}

function programOf({ digest, engine }: PlannedProgram): ReceiptPayload['program'] {
  return { digest, profile: engine };
}

/**
 * What a receipt says of a request: its front end, and the digest of what was asked; of a call of a product, with the
 * question that the product made of it, which wording of the product it was.
 */
export function requestPart(ask: Asked): ReceiptPayload['request'] {
  const { frontEnd, product = null } = ask;
  const sent = frontEnd === 'sql' ? { sql: ask.sql } : { program: ask.program, params: ask.params };
  const called = product === null ? null : { id: product.id, revision: String(product.revision) };
  return { frontEnd, digest: digestOf(sent), ...(called !== null && { product: called }) };
}

type Asked = { readonly product?: DocumentRef | null } & (
  | { readonly frontEnd: 'sql'; readonly sql: string }
  | { readonly frontEnd: 'program'; readonly program: string; readonly params: object | null }
);

/** Cells as they are stored and digested: numbers as text, so that every reader digests the same bytes. */
export function evidenceOfCells(cells: readonly ReleasedCell[]): readonly unknown[] {
  const text = JSON.stringify(cells, (_, value: unknown) =>
    typeof value === 'number' ? decimal(value) : value,
  );
  return JSON.parse(text) as unknown[];
}

function timingText({ timing }: Plan): ReceiptPayload['timing'] {
  if (timing.mode === 'planned') return { mode: 'planned', releaseAfterMs: String(timing.releaseAfterMs) };
  return timing.mode === 'quantum'
    ? { mode: 'quantum', quantumMs: String(timing.quantumMs) }
    : { mode: 'exact' };
}

/** Stored cells back as values: the inverse of `evidenceOfCells`, by the types of the Plan. */
export function cellsOfEvidence(plan: Plan, stored: string): readonly ReleasedCell[] {
  const numeric = plan.keys.mode === 'none' ? [] : plan.keys.keys.map((key) => typeOf(key.expr) === 'number');
  const isNumber = ({ keys }: StoredCell, place: number): boolean =>
    numeric[keys === undefined ? place : Number(keys[place])] === true;
  const number = (text: string | null): number | null => (text === null ? null : Number(text));
  return (JSON.parse(stored) as readonly StoredCell[]).map((cell) => ({
    ...(cell.keys !== undefined && { keys: cell.keys.map(Number) }),
    key: cell.key.map((part, place) =>
      isNumber(cell, place) && typeof part === 'string' ? Number(part) : part,
    ),
    values: cell.values.map((list) =>
      list.map(({ value, exact, stddev, low, high, reason }) => ({
        value: number(value),
        exact,
        stddev: number(stddev),
        low: number(low),
        high: number(high),
        ...(reason === undefined ? {} : { reason }),
      })),
    ),
  }));
}

interface StoredCell {
  readonly keys?: readonly string[];
  readonly key: readonly (string | boolean | null)[];
  readonly values: readonly (readonly StoredValue[])[];
}

interface StoredValue {
  readonly value: string | null;
  readonly exact: string | null;
  readonly stddev: string | null;
  readonly low: string | null;
  readonly high: string | null;
  readonly reason?: 'COHORT';
}
