/**
 * What passes between whoever tries a program and the process that it is tried in: made-up records in, texts out.
 *
 * It is no part of a job. A worker that a job runs in has none of this in its process, and takes no such setup; the
 * process of a trial knows no request with records of a reader. tests/program/trial-apart.test.ts holds both.
 */
import type { Setup } from './protocol.ts';
import type { TrialTable } from './trial-records.ts';

/** What a number of an output is clamped to: bounds of each, or the longest that a vector may be. */
export type TrialLimit = { readonly low: number; readonly high: number } | { readonly clip: number };

export interface TrialOutput {
  readonly name: string;
  /** The keys that it is grouped by, as places in the job's. */
  readonly keys: readonly number[];
  readonly limit: TrialLimit;
}

export interface TrialSetup {
  readonly mode: 'trial';
  /** The job as a worker would be told it; in `map` its code is traced. */
  readonly job: Setup;
  /** In the order of the job's outputs. */
  readonly outputs: readonly TrialOutput[];
  /** The tables of every block, each with a table for every input; in `map` one table of records. */
  readonly blocks: readonly (readonly TrialTable[])[];
  /** The place of the first record, or block, among all of the trial. */
  readonly first: number;
  /** What an isolate may take. */
  readonly deadlineMs: number;
}

/** Records, or blocks, of a setup. */
export function recordsIn({ job, blocks }: TrialSetup): number {
  return job.mode === 'map' ? blocks[0]![0]!.length : blocks.length;
}

/** What can be wrong with what a program does with a record, or a block. */
export const FAULT_KINDS = [
  'load',
  'died',
  'throw',
  'fuel',
  'missing',
  'type',
  'nan',
  'length',
  'key',
  'clamped',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/** Longest text of a fault. */
export const FAULT_TEXT_MAX = 200;
/** Faults of one kind at one place of which one isolate tells. The others are counted. */
export const FAULTS_PER_PLACE = 5;
/** Faults of which one isolate tells. */
export const FAULTS_MAX = 200;

export interface TrialFault {
  readonly kind: FaultKind;
  /** The made-up record, or the block, from 0. */
  readonly record: number;
  /** Of the module; 0: not known. */
  readonly line: number;
  /** An output or a key; null: all of them. */
  readonly name: string | null;
  /** What was thrown or returned. */
  readonly text: string;
}

/** What one isolate saw. */
export interface TrialPart {
  readonly faults: readonly TrialFault[];
  readonly counts: Readonly<Record<FaultKind, number>>;
  readonly records: number;
  /** Records that gave nothing to any output. */
  readonly nothing: number;
  /** Per output: records that count in it, that had no number for it, and whose number was clamped. */
  readonly outputs: readonly {
    readonly gave: number;
    readonly defaulted: number;
    readonly clamped: number;
  }[];
}

/** What is told of a setup whose records gave nothing, all for one reason. */
export function lostPart(setup: TrialSetup, kind: FaultKind, text = ''): TrialPart {
  const records = recordsIn(setup);
  const counts = Object.fromEntries(FAULT_KINDS.map((each) => [each, each === kind ? records : 0]));
  return {
    faults: [{ kind, record: setup.first, line: 0, name: null, text: text.slice(0, FAULT_TEXT_MAX) }],
    counts: counts as TrialPart['counts'],
    records,
    nothing: records,
    outputs: setup.outputs.map(() => ({ gave: 0, defaulted: records, clamped: 0 })),
  };
}
