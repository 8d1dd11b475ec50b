/** The verbs `report …`, `export …` and `usage summary`: reports and files about use and money. */
import type { SentenceId } from '#policies/words.ts';
import { USAGE_DIMENSIONS } from '../billing/usage-dimension.ts';
import type { ReportView } from '../client/reports.ts';
import { renderTable } from './table.ts';
import { type Terminal, worded } from './terminal.ts';
import { defineGroup, defineVerb, type FlagSpec, print, type VerbCall, type VerbHost } from './verb.ts';

const MONTH: FlagSpec = { flags: '--month <month>', about: 'cli.flag.month', required: true };
const CSV: FlagSpec = { flags: '--csv', about: 'cli.flag.csv', conflicts: ['json'] };

const FILTERS = {
  grant: { flags: '--grant <id>', about: 'cli.flag.ofGrant' },
  buyer: { flags: '--buyer <organisation>', about: 'cli.flag.ofBuyer' },
  provider: { flags: '--provider <organisation>', about: 'cli.flag.ofProvider' },
  dataset: { flags: '--dataset <name>', about: 'cli.flag.ofDataset' },
  purpose: { flags: '--purpose <purpose>', about: 'cli.flag.ofPurpose' },
  product: { flags: '--product <id>', about: 'cli.flag.ofProduct' },
} as const satisfies Record<string, FlagSpec>;

type Filter = keyof typeof FILTERS;

const MONEY = ['grant', 'buyer', 'provider', 'dataset', 'product'] as const satisfies readonly Filter[];
const USE = [...MONEY, 'purpose'] as const satisfies readonly Filter[];

/** Hangs the verbs on the program, and `summary` on the group `usage`. */
export function registerReportVerbs(host: VerbHost, usage: VerbHost): void {
  const report = defineGroup(host, 'report', 'cli.report');
  const monthly = (kind: string, about: SentenceId, filters: readonly Filter[], example = ''): void =>
    reportVerb(report, {
      name: kind,
      kind,
      about,
      flags: [MONTH, ...filters.map((name) => FILTERS[name])],
      example: `unseen report ${kind} --month 2026-11${example}`,
    });
  monthly('provider', 'cli.report.provider', USE, ' --csv > provider.csv');
  monthly('buyer', 'cli.report.buyer', USE);
  monthly('variance', 'cli.report.variance', MONEY);
  monthly('self-dealing', 'cli.report.selfDealing', USE);
  monthly('anomalies', 'cli.report.anomalies', USE);
  reportVerb(report, {
    name: 'annual',
    kind: 'annual',
    about: 'cli.report.annual',
    flags: [{ flags: '--year <year>', about: 'cli.flag.reportYear', required: true }],
    example: 'unseen report annual --year 2026',
  });
  reportVerb(usage, {
    name: 'summary',
    kind: 'usage',
    about: 'cli.usage.summary',
    flags: [
      MONTH,
      { flags: '--by <dimension>', about: 'cli.flag.by', choices: USAGE_DIMENSIONS },
      ...USE.map((name) => FILTERS[name]),
    ],
    example: 'unseen usage summary --month 2026-11 --by buyer',
  });
  registerExports(defineGroup(host, 'export', 'cli.export'));
}

interface ReportSpec {
  readonly name: string;
  readonly kind: string;
  readonly about: SentenceId;
  readonly flags: readonly FlagSpec[];
  readonly example: string;
}

function reportVerb(host: VerbHost, { name, kind, about, flags, example }: ReportSpec): void {
  defineVerb(host, { name, about, flags: [...flags, CSV], examples: [example] }, async (call) => {
    const ask = askOf(call, flags);
    if (call.isSet('csv')) return call.terminal.out(await call.client().reports.reportCsv(kind, ask));
    const report = await call.client().reports.report(kind, ask);
    return print(call, report, () => renderReport(call.terminal, report));
  });
}

/** The flags that were given, by name. */
function askOf(call: VerbCall, flags: readonly FlagSpec[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    flags.flatMap(({ flags: written }) => {
      const name = written.slice(2).split(' ')[0] ?? '';
      const value = call.text(name);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

function renderReport(terminal: Terminal, { title, period, previous, figures, tables }: ReportView): string {
  const head = worded(terminal, 'cli.report.figures', { title, period, previous });
  const summary = renderTable(
    [
      { title: worded(terminal, 'cli.column.figure') },
      { title: worded(terminal, 'cli.column.now'), align: 'right' },
      { title: worded(terminal, 'cli.column.previous'), align: 'right' },
      { title: worded(terminal, 'cli.column.change'), align: 'right' },
    ],
    figures.map((figure) => [figure.title, figure.value, figure.previous, figure.change]),
  );
  const rest = tables.map((table) => {
    const rows = table.rows.map((row) => row.map((cell) => (cell === null ? '' : String(cell))));
    const columns = table.columns.map((column, at) => ({ title: column.title, align: alignOf(rows, at) }));
    const body = rows.length === 0 ? `${worded(terminal, 'cli.report.none')}\n` : renderTable(columns, rows);
    return `\n${table.title}\n${body}`;
  });
  return `${head}\n\n${summary}${rest.join('')}`;
}

/** A column of figures stands at the right. */
function alignOf(rows: readonly (readonly string[])[], at: number): 'left' | 'right' {
  return rows.every((row) => /^-?[\d.]*$/.test(row[at] ?? '')) ? 'right' : 'left';
}

function registerExports(host: VerbHost): void {
  const exportVerb = (form: 'lines' | 'focus', about: SentenceId): void => {
    const flags = [
      MONTH,
      { flags: '--to <month>', about: 'cli.flag.toMonth' },
      ...MONEY.map((name) => FILTERS[name]),
    ] satisfies FlagSpec[];
    const examples = [`unseen export ${form} --month 2026-11 --csv > ${form}.csv`];
    defineVerb(host, { name: form, about, flags: [...flags, CSV], examples }, async (call) => {
      const ask = { month: '', ...askOf(call, flags), format: call.isSet('csv') ? 'csv' : 'jsonl' } as const;
      for await (const piece of call.client().reports.lineFile(form, ask)) await call.terminal.out(piece);
    });
  };
  exportVerb('lines', 'cli.export.lines');
  exportVerb('focus', 'cli.export.focus');
}
