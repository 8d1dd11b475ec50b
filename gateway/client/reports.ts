/** The calls about files of any size, reports and reconciliation, and what they answer. */

/** A file may take as long as its reader does; reconciling everything takes a while as well. */
export const FILE_TIMEOUT_MS = 3_600_000;

/** One filter per dimension, by name. */
export type Dimensions = Readonly<Record<string, string>>;

type Query = Readonly<Record<string, string | undefined>>;

/** How these calls reach the server: as JSON, as text, and as text in pieces. */
interface Caller {
  readonly get: <Result>(path: string, query: Query, timeoutMs?: number) => Promise<Result>;
  readonly text: (path: string, query: Query) => Promise<string>;
  readonly file: (path: string, query: Query) => AsyncGenerator<string>;
}

type Format = 'jsonl' | 'csv';

/** What an account calls about these. All throw ProblemError and UnreachableError. */
export interface ReportCalls {
  /** Usage as a file, in pieces of text. */
  usageFile(ask: Dimensions & { readonly format: Format }): AsyncGenerator<string>;
  /** Lines of statements as a file: as they are, or as FOCUS 1.4. */
  lineFile(
    form: 'lines' | 'focus',
    ask: Dimensions & { readonly month: string; readonly format: Format },
  ): AsyncGenerator<string>;
  /** Where the log stands: the end of an export that is continued later. */
  position(): Promise<{ readonly leaf: string; readonly at: string }>;
  /** A report of a month, or of a year. */
  report(kind: string, ask: Dimensions): Promise<ReportView>;
  /** The same as one file for a spreadsheet. */
  reportCsv(kind: string, ask: Dimensions): Promise<string>;
  /** Checks now that usage, evidence and bills agree. */
  reconcile(month?: string): Promise<ReconciliationView>;
}

export function reportCalls({ get, text, file }: Caller): ReportCalls {
  const pathOf = (kind: string): string => `/v1/reports/${encodeURIComponent(kind)}`;
  return {
    usageFile: (ask) => file('/v1/exports/usage', ask),
    lineFile: (form, ask) => file(`/v1/exports/${form}`, ask),
    position: () => get('/v1/exports/position', {}),
    report: (kind, ask) => get(pathOf(kind), ask),
    reportCsv: (kind, ask) => text(pathOf(kind), { ...ask, format: 'csv' }),
    reconcile: (month) => get('/v1/reconciliation', { month }, FILE_TIMEOUT_MS),
  };
}

/** A report: figures beside those of the period before, and tables. Numbers are decimal text. */
export interface ReportView {
  readonly title: string;
  readonly period: string;
  readonly previous: string;
  readonly figures: readonly {
    readonly name: string;
    readonly title: string;
    readonly value: string;
    readonly previous: string;
    readonly change: string;
  }[];
  readonly tables: readonly {
    readonly title: string;
    readonly columns: readonly { readonly name: string; readonly title: string }[];
    readonly rows: readonly (readonly (string | number | boolean | null)[])[];
  }[];
}

/** What reconciling found. */
export interface ReconciliationView {
  readonly month: string | null;
  readonly rules: number;
  readonly ms: number;
  readonly breaches: readonly {
    readonly rule: number;
    readonly name: string;
    readonly rows: readonly string[];
  }[];
}
