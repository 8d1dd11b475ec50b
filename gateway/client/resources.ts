/**
 * What the API says, as types: the shapes of version 1 that a client may rely on.
 *
 * Amounts and budgets are decimal text, times are ISO 8601 with offset. A server may add fields; a reader
 * ignores what it does not know.
 */

export interface Me {
  readonly account: string;
  readonly organisation: { readonly id: string; readonly name: string };
  readonly roles: readonly string[];
}

export interface Page<Item> {
  readonly items: readonly Item[];
  readonly nextCursor: string | null;
}

export interface NewOrganisation {
  readonly id: string;
  readonly name: string;
  readonly kind?: string;
  readonly region?: string;
  readonly sector?: string;
}

export interface Organisation extends NewOrganisation {
  readonly region: string;
  readonly sector: string;
}

export interface NewAccount {
  readonly id: string;
  readonly organisation: string;
  readonly roles: readonly string[];
  readonly jwk: PublicKeyText;
}

export interface Account extends Omit<NewAccount, 'jwk'> {
  readonly state: 'active' | 'revoked';
}

/** A public key as an account states it (RFC 7517). */
export type PublicKeyText = Readonly<Record<string, unknown>>;

export interface DatasetColumn {
  readonly name: string;
  readonly type: unknown;
  readonly role: string;
  readonly bounds: readonly [number | string, number | string] | null;
  readonly values: readonly (string | number | boolean | null)[] | null;
}

export interface DatasetSummary {
  readonly name: string;
  readonly title: { readonly en: string; readonly zh: string } | null;
  readonly origin: string;
  readonly grade: string;
  readonly state: string;
}

export interface DatasetView extends DatasetSummary {
  readonly timeZone: string;
  readonly privacyUnit: unknown;
  readonly maxRows: number;
  readonly columns: readonly DatasetColumn[];
  readonly policy: Readonly<Record<string, unknown>>;
  readonly versionId: string | null;
  /** Operators only. */
  readonly budget?: unknown;
}

export interface Registration {
  readonly name: string;
  readonly versionId: string;
  readonly commitment: string;
  readonly prepared: boolean;
}

export interface GrantView {
  readonly id: string;
  readonly state?: string;
  readonly [field: string]: unknown;
}

interface Loss {
  readonly nano: string;
  readonly thresholdDeltaYocto: string;
}

/** A ledger that the jobs on a dataset pay. `spent` counts reservations; null capacity is unlimited. */
export interface BudgetLedger {
  readonly ledger: string;
  readonly kind: string;
  readonly unit: string;
  readonly capacity: Loss | null;
  readonly spent: Loss;
  readonly left: Loss | null;
  /** What grants keep for their own jobs: it is neither spent nor left for others. */
  readonly setAside: Loss;
  readonly frozen: boolean;
  /** Of `spent` what no job spent; for those who oversee the ledger. */
  readonly accounted?: Loss;
}

/** One job's charge on one ledger. */
export interface BudgetCharge extends Loss {
  readonly job: string;
  readonly submittedAt: string;
  readonly ledger: string;
  readonly dataset: string | null;
  readonly state: string;
  readonly asked: { readonly epsilon: string | null; readonly delta: string | null };
  readonly reason: string;
  readonly why: string;
  /** These three for those who oversee the ledger. */
  readonly grant?: string | null;
  readonly account?: string;
  readonly organisation?: string;
}

export interface BudgetView {
  readonly dataset: string;
  readonly ledgers: readonly BudgetLedger[];
  readonly items: readonly BudgetCharge[];
}

/** What a buyer asks: a query, or an approved program with its parameters. */
export interface Ask {
  readonly grant: string;
  readonly sql?: string;
  /** Its digest. */
  readonly program?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly purpose: string;
  readonly scene?: string;
  readonly epsilon?: number;
  readonly delta?: number;
  /** Accuracy instead of ε. */
  readonly maxError?: number;
  readonly atSize?: number;
  readonly outputKind?: string;
}

export interface Cost {
  readonly unit: string;
  readonly nano: string;
  /** The same in ρ; null where the ledger counts ε. */
  readonly rho: string | null;
  readonly thresholdDeltaYocto: string;
  readonly epsilon: number | string;
  readonly delta: number | string;
}

/** The expected error of one output: a fixed one, or one per size of a group. */
export interface ExpectedError {
  readonly name: string;
  readonly stddev?: number | null;
  readonly half95?: number | null;
  readonly atSize?: readonly { readonly size: number; readonly half95: number }[];
}

export interface Quote {
  readonly id: string;
  readonly expiresAt: string;
  readonly price: { readonly currency: string; readonly amountFen: string } | null;
  readonly cost: Cost | null;
  readonly repeat: boolean;
  /** Whether a person decides about the release. */
  readonly review?: boolean;
  readonly budget: {
    readonly nanoLeft: string | null;
    readonly nanoLeftAfter: string | null;
    readonly rhoLeft: string | null;
    readonly rhoLeftAfter: string | null;
    readonly answersLeft: number | string | null;
  } | null;
  readonly outputs: readonly ExpectedError[];
  /** All of it in one sentence; null for a refusal. */
  readonly summary: string | null;
  readonly usage: Readonly<Record<string, string>>;
  readonly timing: unknown;
  readonly planDigest: string | null;
  readonly refused: { readonly code: string; readonly detail: string; readonly fix?: string | null } | null;
}

export interface Job {
  readonly id: string;
  readonly dataset?: string | null;
  readonly grant: string | null;
  readonly purpose?: string | null;
  readonly state: 'queued' | 'accepted' | 'done';
  readonly outcome: 'released' | 'refused' | 'failed' | null;
  readonly code: string | null;
  readonly detail?: string | null;
  /** Whether a person decides about the release. */
  readonly review?: boolean;
  readonly releaseAt: string | null;
  readonly releaseId: string | null;
  readonly planDigest?: string | null;
  readonly cost?: Cost | null;
  readonly usage?: Readonly<Record<string, string>>;
  readonly account?: string;
  readonly sql?: string;
}

type KeyValue = string | number | boolean | null;

/** One value of an answer. */
export interface AnswerOutput {
  readonly name: string;
  readonly key: Readonly<Record<string, KeyValue>> | null;
  readonly value: number | null;
  readonly exact: string | null;
  readonly stddev: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly reason?: string;
}

export interface Release {
  readonly id: string;
  readonly jobId: string;
  readonly outputs: readonly AnswerOutput[];
  readonly notes: readonly string[];
  readonly budget: unknown;
  readonly repeat: boolean;
  readonly salt?: string;
  readonly cells?: unknown;
}

/** A job whose answer waits for a person. */
export interface WaitingRelease {
  readonly job: string;
  readonly dataset: string | null;
  readonly grant: string;
  readonly organisation: string;
  readonly account: string;
  readonly purpose: string | null;
  readonly scene: string | null;
  readonly kind: string;
  readonly since: string;
}

/** A program as it is submitted. */
export interface NewProgram {
  readonly module: string;
  /** The text of its file, or what that says. */
  readonly manifest: unknown;
  readonly record?: Readonly<Record<string, string>>;
}

export interface ProgramSummary {
  readonly digest: string;
  readonly organisation: string;
  readonly name: string;
  readonly version: number;
  readonly datasets: readonly string[];
  readonly submitter: string;
  readonly state: string;
  readonly submittedAt: string;
}

/** A program with its code, its record and what was done about it. */
export interface ProgramView extends ProgramSummary {
  readonly module: string;
  readonly manifest: unknown;
  readonly record: Readonly<Record<string, string | null>>;
  readonly waitsFor: readonly string[];
  readonly events: readonly {
    readonly event: string;
    readonly account: string;
    readonly organisation: string;
    readonly side: string;
    readonly at: string;
    readonly detail: Readonly<Record<string, unknown>>;
  }[];
}

/** What admission says about a place in a program. */
export interface ProgramFinding {
  readonly rule: string;
  readonly line: number;
  readonly column: number;
  readonly severity: string;
  readonly message: string;
}

/** What a run is shown by. */
export interface JobEvidence {
  /** Null where nothing was released. */
  readonly receipt: string | null;
  /** Where nothing was released: the usage record or a reviewer's decision, whose hash is the leaf of the log. */
  readonly record: string | null;
  /** Where a person released it: his decision. */
  readonly review?: { readonly record: string; readonly proof: string | null } | null;
  /** Null until a signed checkpoint covers the run. */
  readonly proof: string | null;
  readonly keys: { readonly receipts: readonly object[]; readonly log: string };
}

/** Who did something about a key, and why. */
export interface KeyActRecord {
  readonly account: string;
  readonly organisation: string;
  readonly reason: string | null;
  readonly at: string;
}

/** How the end of a key stands. */
export interface KeyStanding {
  readonly key: string;
  readonly state: 'kept' | 'requested' | 'waiting' | 'destroying' | 'destroyed';
  readonly requested: KeyActRecord | null;
  readonly approved: KeyActRecord | null;
  readonly dueAt: string | null;
  readonly hold: KeyActRecord | null;
  readonly destroyedAt: string | null;
  /** Of the record in the log. */
  readonly leafIndex: string | null;
  /** The signed record (JWS). */
  readonly record: string | null;
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
