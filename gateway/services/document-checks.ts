/**
 * What the body of a filed document must be, kind by kind: by its own schema, and beside what is registered and recorded.
 *
 * Guarantee: what is filed names registered parties and data only; a product's question has a Plan and gives the columns
 * that it promises; an agreement is approved only while it covers every grant that rests on it.
 */
import { Refusal } from '#policies/refusal.ts';
import { type Sentence, say } from '#policies/words.ts';
import { compileQuery } from '#sandbox/query/compile.ts';
import { type Agreement, coverageFault, findAgreementFaults, parseAgreement } from '../billing/agreement.ts';
import { findPriceCapFaults, parsePriceCap } from '../billing/price-cap.ts';
import { fillTemplate, findProductFaults, parseProduct, type Product, sampleOf } from '../billing/product.ts';
import { findRateCardFaults, parseRateCard, type RateCard } from '../billing/rate-card.ts';
import { findRevenueCeilingFaults, parseRevenueCeiling } from '../billing/revenue-ceiling.ts';
import { FieldFaults } from '../problem.ts';
import type { Tx } from '../storage/database.ts';
import { findDataset, listDatasets } from '../storage/dataset-list.ts';
import type { DocumentKind, FiledDocument } from '../storage/documents.ts';
import { listGrants } from '../storage/grant-store.ts';
import { findOrganisation } from '../storage/party-list.ts';
import { findProgram } from '../storage/program-store.ts';
import { fieldFaultsOf, unknownParty } from './grants.ts';
import { catalogueOf } from './planning.ts';
import { checkPrice } from './price-checks.ts';
import { datasetsBehind, datasetsOf } from './price-data.ts';

/** What every body says beside its own terms. */
export interface Body {
  readonly id: string;
  readonly from: string;
  readonly to: string | null;
}

interface Checks {
  /** Every field at fault in what should become a body. */
  readonly faults: (value: unknown) => readonly Sentence[];
  readonly parse: (value: unknown) => Body;
  /** Beside what is registered, when it is filed. FieldFaults; Refusal. */
  readonly atFiling?: (tx: Tx, body: never) => Promise<void>;
  /** Beside what else is in force, in the transaction that approves it. Refusal. */
  readonly atApproval?: (tx: Tx, document: FiledDocument, timeZone: string) => Promise<void>;
  /** The organisations on the side of the data. */
  readonly parties: (tx: Tx, body: never) => Promise<readonly string[]>;
}

interface Applying {
  readonly applies: RateCard['applies'];
}

const ofData = async (tx: Tx, { applies }: Applying): Promise<readonly string[]> =>
  providersOf(tx, 'dataset' in applies ? [applies.dataset] : await datasetsBehind(tx, applies.product));

const CHECKS: Readonly<Record<DocumentKind, Checks>> = {
  Agreement: {
    faults: findAgreementFaults,
    parse: parseAgreement,
    atFiling: checkAgreement,
    atApproval: checkCoverage,
    parties: (_tx, { parties }: Agreement) => Promise.resolve([parties.authoriser, ...parties.providers]),
  },
  Product: {
    faults: findProductFaults,
    parse: parseProduct,
    atFiling: checkProduct,
    parties: async (tx, product: Product) => providersOf(tx, await datasetsOf(tx, product)),
  },
  RateCard: { faults: findRateCardFaults, parse: parseRateCard, atApproval: checkPrice, parties: ofData },
  PriceCap: { faults: findPriceCapFaults, parse: parsePriceCap, atApproval: checkPrice, parties: ofData },
  RevenueCeiling: {
    faults: findRevenueCeilingFaults,
    parse: parseRevenueCeiling,
    atApproval: checkPrice,
    parties: () => Promise.resolve([]),
  },
};

/** The body of a document, as it is kept. FieldFaults that name every field at fault. */
export function bodyOf(kind: DocumentKind, value: unknown): Body {
  const faults = CHECKS[kind].faults(value);
  if (faults.length > 0) throw fieldFaultsOf(faults, kind);
  return CHECKS[kind].parse(value);
}

/** Checks a body beside what is registered. FieldFaults; Refusal. */
export async function checkFiling(tx: Tx, kind: DocumentKind, body: Body): Promise<void> {
  await CHECKS[kind].atFiling?.(tx, body as never);
}

/** Checks a wording that is about to be approved, inside that transaction. Refusal. */
export async function checkApproval(tx: Tx, document: FiledDocument, timeZone: string): Promise<void> {
  await CHECKS[document.kind].atApproval?.(tx, document, timeZone);
}

/** The organisations on the side of the data that a document is about. */
export async function partiesOf(tx: Tx, kind: DocumentKind, body: unknown): Promise<readonly string[]> {
  return CHECKS[kind].parties(tx, body as never);
}

async function providersOf(tx: Tx, names: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all(names.map((name) => findDataset(tx, name)));
  return found.flatMap((dataset) => (dataset === null ? [] : [dataset.organisationId]));
}

async function checkAgreement(tx: Tx, { parties, datasets }: Agreement): Promise<void> {
  const named = [
    ['parties.authoriser', parties.authoriser],
    ['parties.operator', parties.operator],
    ...parties.providers.map((provider, index) => [`parties.providers[${index}]`, provider] as const),
  ] as const;
  for (const [field, id] of named) if ((await findOrganisation(tx, id)) === null) throw unknownParty(field);
  const sides = new Set([parties.authoriser, ...parties.providers]);
  for (const [index, { dataset }] of datasets.entries()) {
    const found = await findDataset(tx, dataset);
    if (found === null || !sides.has(found.organisationId)) throw unknownParty(`datasets[${index}].dataset`);
  }
}

/** A new wording may not leave out what grants rest on: they are revoked first, or it says so too. */
async function checkCoverage(tx: Tx, { id, body }: FiledDocument): Promise<void> {
  const agreement = body as Agreement;
  for (const grant of await listGrants(tx, null)) {
    if (
      grant.revoked ||
      grant.body.parentAgreement !== id ||
      Date.parse(grant.body.end) <= Date.parse(agreement.from)
    )
      continue;
    const fault = coverageFault(agreement, grant.body);
    if (fault !== null) throw new Refusal('PARAM', fault);
  }
}

async function checkProduct(tx: Tx, product: Product): Promise<void> {
  const { dataset, program, sql } = product;
  if (dataset !== undefined && (await findDataset(tx, dataset)) === null) throw unknownParty('dataset');
  if (program !== undefined && (await findProgram(tx, program.digest))?.state !== 'approved')
    throw new Refusal('PROGRAM_NOT_APPROVED', say('programs.notApproved', { program: program.digest }));
  if (sql !== undefined) await checkQuestion(tx, product);
}

/** The question of a template, asked with values that are allowed, has a Plan, and the columns that the product states. */
async function checkQuestion(tx: Tx, product: Product): Promise<void> {
  const stored = (await listDatasets(tx)).filter(({ state }) => state !== 'withdrawn');
  const { epsilon, delta } = product;
  const ask = { sql: fillTemplate(product, sampleOf(product)), epsilon, delta };
  const { keyNames, outputs } = compileQuery(ask, catalogueOf(stored)).presentation;
  const given = [...keyNames, ...outputs.map(({ name }) => name)];
  const stated = product.outputSchema.map(({ name }) => name);
  if (JSON.stringify(given.toSorted()) === JSON.stringify(stated.toSorted())) return;
  const rule = say('product.columns', { field: 'outputSchema', given: given.join(', ') });
  throw new FieldFaults([{ field: 'outputSchema', rule }]);
}
