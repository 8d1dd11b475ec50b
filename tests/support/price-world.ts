/** Price documents and bills in a database: filed and approved with the checks of prices; statements written as rows. */
import { sql } from 'drizzle-orm';
import { parsePriceCap } from '#gateway/billing/price-cap.ts';
import { parseRateCard } from '#gateway/billing/rate-card.ts';
import { parseRevenueCeiling } from '#gateway/billing/revenue-ceiling.ts';
import { checkPrice } from '#gateway/services/price-checks.ts';
import type { Database, Tx } from '#gateway/storage/database.ts';
import {
  approveDocument,
  type DocumentKind,
  fileDocument,
  type FiledDocument,
  findDocument,
} from '#gateway/storage/documents.ts';

/** The zone in which these tests count years. */
export const ZONE = 'Asia/Shanghai';

interface PriceBody {
  readonly id: string;
  readonly from: string;
  readonly to: string | null;
}

const PARSERS: Readonly<Partial<Record<DocumentKind, (body: unknown) => PriceBody>>> = {
  RateCard: parseRateCard,
  PriceCap: parsePriceCap,
  RevenueCeiling: parseRevenueCeiling,
};

/** Files a document as olga. */
export async function filePrice(db: Database, body: Record<string, unknown>): Promise<FiledDocument> {
  const kind = body['kind'] as DocumentKind;
  const parsed = PARSERS[kind]?.(body);
  if (parsed === undefined) throw new RangeError('no document of prices');
  const dates = { from: new Date(parsed.from), to: parsed.to === null ? null : new Date(parsed.to) };
  return fileDocument(db, { kind, id: parsed.id, body: parsed, ...dates, by: 'olga' });
}

/** Files, and approves as oscar with the checks of prices; the sentence of a refusal, or ''. */
export async function approvePrice(db: Database, body: Record<string, unknown>): Promise<string> {
  const { kind, id, revision } = await filePrice(db, body);
  const check = async (tx: Tx): Promise<void> => {
    const document = await findDocument(tx, kind, { id, revision });
    if (document !== null) await checkPrice(tx, document, ZONE);
  };
  try {
    await approveDocument(db, { kind, id, revision, by: 'oscar', check });
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}

/** Takes every document away, so that a test begins with nothing in force. */
export async function clearDocuments(db: Database): Promise<void> {
  await db.rows(sql`ALTER TABLE filed_document DISABLE TRIGGER USER`);
  await db.rows(sql`DELETE FROM filed_document`);
  await db.rows(sql`ALTER TABLE filed_document ENABLE TRIGGER USER`);
}

/** A line of so many fen; of industry, under the first wording of `RC-visits`, unless it says otherwise. */
export interface BilledLine {
  readonly fen: bigint;
  readonly purposeClass?: string;
  readonly card?: string;
  readonly feeType?: string;
  readonly agreement?: string;
}

interface Bill {
  readonly month: string;
  readonly lines: readonly BilledLine[];
  readonly state: 'closed' | 'issued' | 'disputed' | 'settled';
}

let billed = 0;

/** Writes a statement of a month: what closing and issuing leave in the tables, as far as revenue is read from it. */
export async function billMonth(db: Database, { month, lines, state }: Bill): Promise<void> {
  billed += 1;
  const id = `s${billed}`;
  const issued =
    state === 'closed' ? null : { by: 'bill', at: new Date().toISOString(), leaf: 1_000_000 + billed };
  const buyer = billed % 2 === 0 ? 'rival-lab' : 'city-university';
  await db.rows(sql`
    INSERT INTO statement (id, issuer, seq, organisation_id, period, state, currency, total_fen, lines, lines_root, head,
      digest, signed, leaf_index, closed_by, issued_by, issued_at)
    VALUES (${id}, 'platform', ${billed}::bigint, ${buyer}, ${month}, ${state}, 'CNY', 0, ${lines.length}::int, '', '', '',
      ${issued?.by ?? null}, ${issued?.leaf ?? null}::bigint, 'bill', ${issued?.by ?? null}, ${issued?.at ?? null}::timestamptz)`);
  for (const [index, line] of lines.entries()) await writeLine(db, { id, month, index, line });
}

async function writeLine(
  db: Database,
  {
    id,
    month,
    index,
    line,
  }: { readonly id: string; readonly month: string; readonly index: number; readonly line: BilledLine },
): Promise<void> {
  const {
    fen,
    purposeClass = 'industry',
    card = 'RC-visits',
    feeType = 'data_usage',
    agreement = 'A-1',
  } = line;
  const fees = [{ feeType, card: { id: card, revision: 1 } }];
  const key = { billing: { purposeClass, agreement: { id: agreement, revision: 1 }, fees } };
  const family = `${id}-${index}`;
  await db.rows(sql`
    INSERT INTO line_family (id, organisation_id, period, fee_type, basis, key)
    VALUES (${family}, 'city-university', ${month}, ${feeType}, 'calls', ${JSON.stringify(key)}::jsonb)`);
  await db.rows(sql`
    INSERT INTO statement_line (id, statement_id, ordinal, family_id, kind, original_period, fee_type, basis, events,
      quantity, amount_precise, amount_fen, quoted_nano, body, inputs_digest)
    VALUES (${family}, ${id}, ${index}::int, ${family}, 'charge', ${month}, ${feeType}, 'calls', 1, 1, 0, ${fen}::numeric, 0, '', '')`);
}
