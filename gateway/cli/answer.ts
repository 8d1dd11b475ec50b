/**
 * Answers and quotes as text for a person: each value beside its 95 % interval, each cost beside what it leaves.
 *
 * Guarantee: a figure is never shown with more digits than its own error supports, unless it is exact text.
 */
import { roundedUp } from '#sandbox/release/expected-error.ts';
import type { AnswerOutput, Cost, ExpectedError, Quote, QuotePrice, Release } from '../client/resources.ts';
import { printable, renderFields, renderTable, type TableColumn } from './table.ts';
import { type Terminal, worded } from './terminal.ts';

const ABSENT = '–';

/** An answer as a table, with its notes below. */
export function renderAnswer(terminal: Terminal, release: Release): string {
  const notes = release.notes.map((note) => `- ${note}\n`).join('');
  const head = release.repeat ? `${worded(terminal, 'lab.repeat')}\n` : '';
  return `${head}${renderOutputs(terminal, release.outputs)}${notes === '' ? '' : `\n${notes}`}`;
}

function renderOutputs(terminal: Terminal, outputs: readonly AnswerOutput[]): string {
  const keys = [...new Set(outputs.flatMap(({ key }) => Object.keys(key ?? {})))];
  const columns: TableColumn[] = [
    ...keys.map((title) => ({ title })),
    { title: worded(terminal, 'cli.column.output') },
    { title: worded(terminal, 'cli.column.value'), align: 'right' },
    { title: worded(terminal, 'cli.column.interval') },
    { title: worded(terminal, 'cli.column.stddev'), align: 'right' },
  ];
  const rows = outputs.map((output) => [
    ...keys.map((name) => keyText(output.key?.[name])),
    output.name,
    valueText(terminal, output),
    intervalText(output),
    output.stddev === null ? ABSENT : significant(output.stddev),
  ]);
  return renderTable(columns, rows);
}

function keyText(value: string | number | boolean | null | undefined): string {
  if (value === undefined) return '';
  return value === null ? 'NULL' : String(value);
}

function valueText(terminal: Terminal, output: AnswerOutput): string {
  if (output.value === null) return worded(terminal, 'cli.hidden');
  return output.exact ?? rounded(output.value, halfOf(output));
}

function intervalText(output: AnswerOutput): string {
  const { low, high } = output;
  if (low === null || high === null) return ABSENT;
  const half = halfOf(output);
  return `[${rounded(low, half)}, ${rounded(high, half)}]`;
}

function halfOf({ low, high }: AnswerOutput): number {
  return low === null || high === null ? 0 : (high - low) / 2;
}

/** A number with two digits of its own error; with no error, as it is. */
export function rounded(value: number, error: number): string {
  if (!(error > 0) || !Number.isFinite(error)) return String(value);
  const decimals = Math.max(0, 1 - Math.floor(Math.log10(error)));
  return value.toFixed(Math.min(decimals, 20));
}

/** Three significant digits, without an exponent where that is readable. */
function significant(value: number): string {
  return String(Number(value.toPrecision(3)));
}

/** A quote: what it costs, what it leaves, how exact the answer will be. */
export function renderQuote(terminal: Terminal, quote: Quote): string {
  const { price, cost, budget, refused } = quote;
  if (refused !== null) {
    const fix = refused.fix ? `${worded(terminal, 'cli.fix', { fix: refused.fix })}\n` : '';
    return `${worded(terminal, 'cli.wouldBeRefused', { code: refused.code, detail: refused.detail })}\n${fix}`;
  }
  const label = (name: 'price' | 'cost' | 'left' | 'expires' | 'quote'): string =>
    worded(terminal, `cli.column.${name}`);
  const fields: [string, string][] = [[label('quote'), quote.id]];
  if (price !== null) fields.push([label('price'), moneyText(price)]);
  if (cost !== null) fields.push([label('cost'), `${lossText(cost)} (ε ${cost.epsilon}, δ ${cost.delta})`]);
  if (budget !== null) fields.push([label('left'), leftText(budget)]);
  fields.push([label('expires'), quote.expiresAt]);
  const summary = quote.summary === null ? '' : `${printable(quote.summary)}\n\n`;
  const repeat = quote.repeat ? `${worded(terminal, 'lab.repeat')}\n` : '';
  const review = quote.review === true ? `${worded(terminal, 'cli.quoteReviewed')}\n` : '';
  const items = price === null ? '' : `\n${renderPrice(terminal, price)}`;
  const errors = renderExpectedErrors(terminal, quote.outputs);
  return `${summary}${renderFields(fields)}${repeat}${review}${items}\n${errors}`;
}

/** The price item by item, and what is said about it. */
function renderPrice(terminal: Terminal, { fees, note, otherwise }: QuotePrice): string {
  const columns = ['fee', 'basis', 'quantity', 'unitPrice', 'atMost'] as const;
  const rows = fees.flatMap(({ title, charges }) =>
    charges.map(({ basis, quantity, prices, per, amount }) => [
      title,
      basis,
      quantity,
      unitPriceText(prices, per),
      amount,
    ]),
  );
  const lines = [...fees.flatMap(remarkOf), note, otherwise.money, otherwise.privacy];
  const titles = columns.map((name): TableColumn => ({ title: worded(terminal, `cli.column.${name}`) }));
  return `${renderTable(titles, rows)}${lines.map((line) => `${printable(line)}\n`).join('')}`;
}

/** What is said of a fee beside its figures. */
function remarkOf(fee: QuotePrice['fees'][number]): readonly string[] {
  const { title, card, stateText, zeroText, discount, discountText, taxText, perMonth } = fee;
  const name = card === null ? null : `${card.id}/${card.revision}`;
  const off = discount === null ? null : `−${discount.perMille} ‰: ${discountText ?? ''}`;
  const said = [name, stateText, zeroText, off, taxText, ...perMonth].filter((text) => text !== null);
  return said.length === 0 ? [] : [`${title}: ${said.join('; ')}`];
}

function unitPriceText(
  prices: QuotePrice['fees'][number]['charges'][number]['prices'],
  per: string | null,
): string {
  const unit = per === null || per === '1' ? '' : ` / ${per}`;
  if (prices.length === 0) return '0.00';
  return prices
    .map(({ upTo, unitPrice }) => `${upTo === null ? '' : `≤ ${upTo}: `}${unitPrice}${unit}`)
    .join(', ');
}

/** An amount of the ledger: in ρ and in the nano that it counts. */
function lossText({ unit, nano, rho }: Pick<Cost, 'unit' | 'nano' | 'rho'>): string {
  return rho === null ? `${nano} nano-${unit}` : `${nano} nano-rho = ρ ${rho}`;
}

function leftText({ nanoLeft, nanoLeftAfter, rhoLeft, rhoLeftAfter }: NonNullable<Quote['budget']>): string {
  if (nanoLeft === null) return '∞';
  const rho = rhoLeft === null ? '' : ` = ρ ${rhoLeft} → ${rhoLeftAfter}`;
  return `${nanoLeft} → ${nanoLeftAfter}${rho}`;
}

function renderExpectedErrors(terminal: Terminal, outputs: readonly ExpectedError[]): string {
  const rows = outputs.flatMap(({ name, half95, atSize }) =>
    atSize === undefined
      ? [[name, ABSENT, half95 === undefined || half95 === null ? ABSENT : `±${roundedUp(half95, 3)}`]]
      : atSize.map((entry) => [name, String(entry.size), `±${roundedUp(entry.half95, 3)}`]),
  );
  return renderTable(
    [
      { title: worded(terminal, 'cli.column.output') },
      { title: worded(terminal, 'cli.column.groupSize'), align: 'right' },
      { title: worded(terminal, 'cli.column.expectedError'), align: 'right' },
    ],
    rows,
  );
}

/** An amount of money; fen are hundredths. */
function moneyText({
  currency,
  amountFen,
}: {
  readonly currency: string;
  readonly amountFen: string;
}): string {
  const fen = BigInt(amountFen);
  return `${fen / 100n}.${String(fen % 100n).padStart(2, '0')} ${currency}`;
}
