/** The calls about statements, corrections and settlement; and what they answer. */
import type { LineBody, StatementHead } from '../billing/statement-line.ts';

/** How these calls reach the server: reading, page after page, acting on what is there, and making something once. */
export interface Caller {
  readonly get: <Result>(path: string) => Promise<Result>;
  readonly pages: <Item>(path: string, query?: Readonly<Record<string, string>>) => AsyncGenerator<Item>;
  readonly act: <Result>(path: string, body: unknown) => Promise<Result>;
  readonly create: <Result>(path: string, body: unknown) => Promise<Result>;
}

/** What an account calls about statements. All throw ProblemError and UnreachableError. */
export type StatementCalls = ReturnType<typeof statementCalls>;

export function statementCalls({ get, pages, act, create }: Caller) {
  const of = (id: string, rest = ''): string => `/v1/statements/${encodeURIComponent(id)}${rest}`;
  const line = (id: string, rest = ''): string => `/v1/statement-lines/${encodeURIComponent(id)}${rest}`;
  return {
    /** Closes a month, or says what that would do. */
    close: (ask: { readonly month: string; readonly buyer?: string; readonly dryRun?: boolean }) =>
      act<{ readonly items: readonly ClosedMonth[] }>('/v1/statements', ask),
    issue: (id: string) => act<StatementView>(of(id, '/issue'), undefined),
    list: (month?: string) => pages<StatementView>('/v1/statements', month === undefined ? {} : { month }),
    show: (id: string) => get<StatementView>(of(id)),
    lines: (id: string) => pages<LineView>(of(id, '/lines')),
    dispute: (id: string, reason: string) => act<StatementView>(of(id, '/dispute'), { reason }),
    resolve: (id: string, reason: string) => act<StatementView>(of(id, '/resolve'), { reason }),
    explain: (id: string) => get<ExplainedLine>(line(id)),
    usageOf: (id: string) => pages<TracedRun>(line(id, '/usage')),
    invoice: (id: string, invoice: object) => act<LineView>(line(id, '/invoice'), invoice),
    linesOfJob: (job: string) =>
      get<{ readonly items: readonly LineBody[] }>(`/v1/jobs/${encodeURIComponent(job)}/lines`),
    correct: (ask: unknown) => create<CorrectionView>('/v1/corrections', ask),
    corrections: () => pages<CorrectionView>('/v1/corrections'),
    correction: (id: string) => get<CorrectionView>(`/v1/corrections/${encodeURIComponent(id)}`),
    decide: (id: string, decision: 'approve' | 'reject') =>
      act<CorrectionView>(`/v1/corrections/${encodeURIComponent(id)}/${decision}`, undefined),
    settle: (id: string) => act<SettledView>(of(id, '/settle'), undefined),
    sent: (id: string) => act<{ readonly sent: number }>(of(id, '/sent'), undefined),
    instructions: (statement?: string) =>
      pages<InstructionView>('/v1/settlements', statement === undefined ? {} : { statement }),
    advise: (advices: unknown) =>
      act<{ readonly items: readonly AdviceResult[] }>('/v1/settlements/advices', { advices }),
  };
}

export interface StatementView {
  readonly id: string;
  readonly state: string;
  readonly head: StatementHead;
  readonly digest: string;
  /** JWS; null until it is issued. */
  readonly signed: string | null;
  readonly leafIndex: string | null;
  readonly issuedBy: string | null;
  readonly issuedAt: string | null;
}

export interface Obstacle {
  readonly code: string;
  readonly message: string;
  readonly clearedBy: readonly string[];
}

export interface ClosedMonth {
  readonly buyer: string;
  readonly result: string;
  readonly statement?: StatementView;
  readonly blocks: readonly Obstacle[];
  readonly lines?: readonly LineBody[];
  readonly holds?: readonly (Obstacle & { readonly line: string })[];
}

export interface LineView {
  readonly line: LineBody;
  /** As it is signed. */
  readonly text: string;
  readonly reversedBy: string | null;
  readonly invoice: { readonly number: string; readonly issuedOn: string; readonly issuer: string } | null;
}

export interface ExplainedLine extends LineView {
  readonly statement: { readonly id: string; readonly state: string; readonly leafIndex: string | null };
  readonly grant: { readonly id: string; readonly agreement: string } | null;
  readonly documents: readonly {
    readonly kind: string;
    readonly id: string;
    readonly revision: number;
    readonly filedBy: string;
    readonly approvedBy: string | null;
    readonly leafIndex: string | null;
  }[];
}

export interface TracedRun {
  readonly id: string;
  readonly jobId: string;
  readonly account: string;
  readonly outcome: string;
  readonly seenAt: string;
  readonly quantity: string | null;
  readonly quotedNano: string | null;
  readonly leafIndex: string;
}

export interface CorrectionView {
  readonly id: string;
  readonly cause: string;
  readonly usageId: string;
  readonly buyer: string;
  readonly requestedBy: string;
  readonly decision: string | null;
  readonly decidedBy: string | null;
  readonly statementId: string | null;
}

export interface SettledView {
  readonly statement: StatementView;
  readonly made: readonly string[];
  readonly holds: readonly (Obstacle & { readonly line: string })[];
}

export interface InstructionView {
  readonly id: string;
  readonly statementId: string;
  readonly feeType: string;
  readonly payer: string;
  readonly payee: string;
  readonly payeeType: string;
  readonly amountFen: string;
  readonly currency: string;
  readonly contractNumber: string;
  readonly state: string;
  readonly reference: string | null;
}

export interface AdviceResult {
  readonly reference: string;
  readonly instruction: string;
  readonly result: string;
}
