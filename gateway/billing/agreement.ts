/**
 * Operation agreements: between whom, about which datasets, on which terms, and who gets which part of what they earn.
 *
 * Guarantee: an agreement that parses can be settled under: both fees are split, each to the last millionth, among payees
 * that it names or among the contributors of its datasets, each by a whole weight from 1.
 * What it states follows 公共数据资源授权运营实施规范（试行） (发改数据规〔2025〕27号) on operation agreements: parties, mode,
 * term, conditions, operation, exit, security, risk assessment and decision.
 * Not covered: whether parties and datasets are registered, and who may approve it (services/documents.ts).
 */
import { z } from 'zod';

import { type Sentence, say } from '#policies/words.ts';

import {
  documentId,
  documentInstant,
  documentSha256,
  documentText,
  fault,
  findDocumentFaults,
  listOf,
  parseDocument,
} from './document-form.ts';
import { FEE_TYPES } from './facts.ts';
import { CONTRIBUTORS, PAYEE_TYPES, WHOLE_PPM } from './split.ts';

/** As a whole, by field of use, or by scene (整体授权、分领域授权、依场景授权). */
const MODES = ['whole', 'field', 'scene'] as const;

/** A document that is kept elsewhere: its id and the SHA-256 of its bytes. */
const evidence = z.strictObject({ id: documentText, sha256: documentSha256 });

const weight = z.union([z.int().min(1), z.string().regex(/^[1-9]\d{0,17}$/)]).transform(String);

/** A list in which no two items have the same name. */
function distinct<Item extends z.ZodType>(item: Item, nameOf: (item: z.output<Item>) => string) {
  return z
    .array(item)
    .min(1)
    .superRefine((items, context) => {
      const names = items.map(nameOf);
      const twice = names.find((name, index) => names.indexOf(name) !== index);
      if (twice !== undefined) context.addIssue(fault('billing.field.twice', { name: twice }));
    });
}

const dataset = z.strictObject({
  dataset: documentId,
  /** Who earns what contributors earn of it, each by his weight. */
  contributors: distinct(
    z.strictObject({ contributor: documentId, weight }),
    ({ contributor }) => contributor,
  ),
});

const payee = z.strictObject({
  id: documentId.refine((id) => id !== CONTRIBUTORS, { params: fault('agreement.reserved').params }),
  type: z.enum(PAYEE_TYPES),
  name: documentText,
});

const rule = z.strictObject({
  feeType: z.enum(FEE_TYPES),
  /** `to`: a payee by id, or `contributors`. */
  shares: distinct(
    z.strictObject({ to: documentId, partsPerMillion: z.int().min(1).max(WHOLE_PPM) }),
    ({ to }) => to,
  ).superRefine((shares, context) => {
    const sum = shares.reduce((total, { partsPerMillion }) => total + partsPerMillion, 0);
    if (sum !== WHOLE_PPM) context.addIssue(fault('agreement.sum', { sum, whole: WHOLE_PPM }));
  }),
});

const split = distinct(rule, ({ feeType }) => feeType).superRefine((rules, context) => {
  const missing = FEE_TYPES.filter((feeType) => !rules.some((other) => other.feeType === feeType));
  if (missing.length > 0) context.addIssue(fault('agreement.feeMissing', { missing: missing.join(', ') }));
});

const AGREEMENT = z
  .strictObject({
    kind: z.literal('Agreement'),
    id: documentId,
    title: documentText,
    /** Of the contract on the platform; null: not yet. Without this or a filing number nothing is settled. */
    contractNumber: documentText.nullable(),
    /** Under which it was filed with the authorities (备案). */
    filingNumber: documentText.nullable(),
    parties: z.strictObject({
      authoriser: documentId,
      operator: documentId,
      providers: listOf(documentId),
    }),
    mode: z.enum(MODES),
    from: documentInstant,
    to: documentInstant.nullable(),
    /** The conditions of the authorisation, for people to read. */
    conditions: listOf(documentText),
    operatingModel: documentText,
    exit: documentText,
    securityResponsibility: documentText,
    riskAssessment: evidence,
    /** The decision of the authoriser's own body (三重一大); null where none is required. */
    collectiveDecision: evidence.nullable(),
    currency: z.literal('CNY'),
    datasets: distinct(dataset, ({ dataset: name }) => name),
    payees: distinct(payee, ({ id }) => id),
    split,
    /** The signed agreement. */
    evidence,
  })
  .superRefine((agreement, context) => {
    for (const found of contradictions(agreement)) context.addIssue(found);
  });

export type Agreement = Readonly<z.output<typeof AGREEMENT>>;

type Contradiction = ReturnType<typeof fault> & { readonly path: (string | number)[] };

/** Terms that are each well-formed but cannot stand together. */
function contradictions({ from, to, payees, split: rules }: Agreement): readonly Contradiction[] {
  const late = to !== null && Date.parse(to) <= Date.parse(from);
  const known = new Set([CONTRIBUTORS, ...payees.map(({ id }) => id)]);
  const unknown = rules.flatMap(({ shares }, at) =>
    shares.flatMap(({ to: payeeId }, index) =>
      known.has(payeeId)
        ? []
        : [
            {
              ...fault('agreement.payee', { payee: payeeId }),
              path: ['split', at, 'shares', index, 'to'],
            },
          ],
    ),
  );
  return [...(late ? [{ ...fault('billing.field.endsBeforeStart'), path: ['to'] }] : []), ...unknown];
}

const FORMS = { weight: '1, 2, 3, …', partsPerMillion: '1 … 1000000' };

/** Parses an agreement; throws a Failure CONFIG that names the first field at fault. */
export function parseAgreement(value: unknown): Agreement {
  return parseDocument(AGREEMENT, value, FORMS);
}

/** Every field at fault in what should become an agreement; empty when it is one. */
export function findAgreementFaults(value: unknown): readonly Sentence[] {
  return findDocumentFaults(AGREEMENT, value, FORMS);
}

/** The side of a grant that its agreement must cover: who grants, and what. */
export interface Covered {
  readonly id: string;
  readonly authoriser: string;
  readonly datasets: readonly { readonly dataset: string }[];
}

/**
 * What of a grant its agreement does not cover, in a sentence: a provider who is no party to it, or datasets that it does
 * not name. Null: it covers the grant.
 */
export function coverageFault({ id, parties, datasets }: Agreement, grant: Covered): Sentence | null {
  const { authoriser } = grant;
  const args = { grant: grant.id, agreement: id };
  if (![parties.authoriser, ...parties.providers].includes(authoriser))
    return say('agreement.otherParty', { ...args, authoriser });
  const named = new Set(datasets.map(({ dataset: name }) => name));
  const other = grant.datasets.map(({ dataset: name }) => name).filter((name) => !named.has(name));
  return other.length === 0 ? null : say('agreement.otherData', { ...args, datasets: other.join(', ') });
}
