/**
 * A trial: an admitted program on made-up records, in a jailed isolate as in a job, and a report of what went wrong.
 *
 * A job is silent about faults, so that a wrong program would look right; a trial says them, and may, since the records
 * are made from the public manifest alone. Guarantee: no path leads from here to data, and none from a job to here
 * (tests/program/trial-apart.test.ts). Faults are counted in full; of each kind and line the first few are told.
 * Not covered: whether a program that does not fault is right.
 */
import { Refusal } from '#policies/refusal.ts';
import { say, type Sentence } from '#policies/words.ts';
import type { JailDemand } from '../jail/jail.ts';
import type { BlocksSetup, MapSetup, Setup } from '../worker/protocol.ts';
import type { FaultKind, TrialFault, TrialLimit, TrialPart, TrialSetup } from '../worker/trial-protocol.ts';
import { FAULT_KINDS } from '../worker/trial-protocol.ts';
import type { TrialTable } from '../worker/trial-records.ts';
import { runTrial } from '../worker/trial-worker.ts';
import type { Engine } from '../worker/worker-program.ts';
import { admitProgram } from './admission/admit.ts';
import { tracedProgram } from './admission/traced.ts';
import { inputOf, type ProgramColumn } from './compile.ts';
import { bufferLimitMs } from './limits.ts';
import { keysOfOutputs } from './mapped-keys.ts';
import { MOCK_RECORDS, mockRecords, type TrialDataset } from './mock.ts';
import { type Params, paramsOf } from './params.ts';
import type { ByColumn, ParamValue, Program, ProgramManifest, ProgramOutput } from './program.ts';

export interface TrialFinding {
  readonly kind: FaultKind;
  /** The made-up record, or the block, from 1. */
  readonly record: number;
  /** Of the module, from 1; null where it is not known. */
  readonly line: number | null;
  /** The output or the key; null: all of them. */
  readonly output: string | null;
  readonly sentence: Sentence;
}

export interface TrialReport {
  readonly mode: 'map' | 'blocks';
  /** Made-up records, or blocks, that it was tried on: all, unless it took too long. */
  readonly records: number;
  /** Those that gave nothing to any output. */
  readonly nothing: number;
  readonly outputs: readonly TrialShare[];
  /** Every fault, by kind. */
  readonly counts: Readonly<Record<FaultKind, number>>;
  /** The first faults of each kind and line, by record. */
  readonly findings: readonly TrialFinding[];
  /** Parameters that were made up. */
  readonly assumed: readonly string[];
  /** Why the program is refused; null where it is not. */
  readonly refusal: Sentence | null;
}

export interface TrialShare {
  readonly name: string;
  /** Records that count in it. */
  readonly gave: number;
  /** Records without a number for it. */
  readonly defaulted: number;
  readonly clamped: number;
}

export interface TrialMeans {
  /** Null: the defaults. */
  readonly params: Readonly<Record<string, unknown>> | null;
  readonly jail: JailDemand;
  readonly engine?: Engine;
}

/** Findings that a report tells. */
const FINDINGS_MAX = 50;
/** Blocks of a trial: each gets its share of the made-up records. */
const BLOCKS = 4;
/** What may pass before the time of a trial is looked at. */
const CHUNK_MS = 5_000;
const BLOCK_DEADLINE_MS = 30_000;
/** For a machine that is busy with something else. */
const BUSY_MS = 1_000;
/** Entries of a made-up list where no vector says how many. */
const LIST_LENGTH = 16;

/**
 * Tries a program. Refuses: PROGRAM_NOT_ADMITTED for what admission finds (what the trial finds is in its report); TABLE,
 * COLUMN, TYPE, PARAM; JAIL. Fails: MACHINE_FAULT.
 */
export async function tryProgram(
  { module, manifest }: Pick<Program, 'module' | 'manifest'>,
  datasets: readonly TrialDataset[],
  { params: stated, jail, engine = 'strict' }: TrialMeans,
): Promise<TrialReport> {
  const { code, findings } = admitProgram(module, manifest.mode, manifest);
  const first = findings.find(({ severity }) => severity === 'error');
  if (code === null) throw new Refusal('PROGRAM_NOT_ADMITTED', first?.sentence ?? say('program.notAdmitted'));
  const assumed = assumedParams(manifest, stated);
  const params = paramsOf(manifest.params, { ...assumed, ...stated });
  const sources = manifest.inputs.map((input) => inputOf(input, datasets));
  const keys = manifest.mode === 'map' ? keysOfOutputs(manifest.outputs, sources) : [];
  const job =
    manifest.mode === 'map'
      ? mapJob(manifest, { code: tracedProgram(module), params, columns: sources[0]!.columns, keys })
      : blocksJob(manifest, { code, params, inputs: sources });
  const { chunk, deadlineMs } = paceOf(manifest, engine);
  const setup: TrialSetup = {
    mode: 'trial',
    job,
    outputs: manifest.outputs.map((output) => ({
      name: output.name,
      keys:
        manifest.mode === 'map'
          ? output.by.map(({ name }) => keys.findIndex((key) => key.name === name))
          : [],
      limit: limitOf(output),
    })),
    blocks: blocksOf(manifest, sources),
    first: 0,
    deadlineMs,
  };
  const parts = await runTrial(setup, { engine, jail, chunk });
  return reportOf(manifest, { parts, lengths: job.outputs, assumed: Object.keys(assumed) });
}

/** Throws what a report refuses: PROGRAM_NOT_ADMITTED. */
export function checkTrial({ refusal }: TrialReport): void {
  if (refusal !== null) throw new Refusal('PROGRAM_NOT_ADMITTED', refusal);
}

/** How much of a trial gave nothing, for a quote. */
export function shareOf({
  mode,
  nothing,
  records,
}: Pick<TrialReport, 'mode' | 'nothing' | 'records'>): Sentence {
  return say(`trial.share.${mode}`, { nothing, records });
}

/**
 * Parameters that neither the file nor the caller states: 1, 'x', true, and as many zeros as the longest vector has
 * entries, since a list of weights mostly belongs to a list of results.
 */
function assumedParams(
  { params, outputs }: ProgramManifest,
  stated: TrialMeans['params'],
): Readonly<Record<string, ParamValue>> {
  const lengths = outputs.flatMap((output) => (output.kind === 'vector' ? [output.length] : []));
  const zeros = Array<number>(Math.max(0, ...lengths) || LIST_LENGTH).fill(0);
  const neutral = { number: 1, string: 'x', boolean: true, numbers: zeros } as const;
  const open = params.filter(({ name, default: own }) => own === null && !Object.hasOwn(stated ?? {}, name));
  return Object.fromEntries(open.map(({ name, type }) => [name, neutral[type]]));
}

/**
 * How many records, or blocks, are tried at a time, and how long they may take: records as long as in a job, so that those
 * of a program with much fuel go in small parts, and a block no longer than half a minute.
 */
function paceOf(
  { fuel, blocks }: ProgramManifest,
  engine: Engine,
): { readonly chunk: number; readonly deadlineMs: number } {
  if (blocks !== null)
    return { chunk: 1, deadlineMs: Math.min(2 * blocks.cpuMs + BUSY_MS, BLOCK_DEADLINE_MS) };
  const recordMs = bufferLimitMs({ engine, fuel }, MOCK_RECORDS) / MOCK_RECORDS;
  const chunk = Math.max(1, Math.floor(CHUNK_MS / recordMs));
  return { chunk, deadlineMs: bufferLimitMs({ engine, fuel }, chunk) };
}

function mapJob(
  { outputs, fuel }: ProgramManifest,
  rest: {
    readonly code: string;
    readonly params: Params;
    readonly columns: readonly ProgramColumn[];
    readonly keys: readonly ByColumn[];
  },
): MapSetup {
  const returned = outputs.map((output) => ({ name: output.name, width: entriesOf(output) }));
  return { mode: 'map', fuel, outputs: returned, ...rest };
}

function blocksJob(
  { outputs, blocks }: ProgramManifest,
  { code, params, inputs }: { readonly code: string; readonly params: Params; readonly inputs: Sources },
): BlocksSetup {
  return {
    mode: 'blocks',
    code,
    params,
    cpuMs: blocks!.cpuMs,
    inputs: inputs.map(({ dataset: { name }, columns }) => ({ dataset: name, columns })),
    outputs: outputs.map((output) => ({
      name: output.name,
      width: output.by.reduce((cells, { values }) => cells * values.length, entriesOf(output)),
    })),
  };
}

type Sources = readonly { readonly dataset: TrialDataset; readonly columns: readonly ProgramColumn[] }[];

function entriesOf(output: ProgramOutput): number {
  return output.kind === 'vector' ? output.length : 1;
}

/** What a job clamps to. */
function limitOf(output: ProgramOutput): TrialLimit {
  if (output.kind === 'count') return { low: 0, high: 1 };
  if (output.kind === 'vector' && output.clip !== null) return { clip: output.clip };
  const [low, high] = output.bounds!;
  return { low, high };
}

function blocksOf({ mode }: ProgramManifest, sources: Sources): readonly (readonly TrialTable[])[] {
  const tables = sources.map(({ dataset, columns }) =>
    mockRecords(dataset).map((record) => columns.map(({ column }) => record[column] ?? null)),
  );
  if (mode === 'map') return [tables];
  return Array.from({ length: BLOCKS }, (_, block) =>
    tables.map((table) => table.filter((_record, at) => at % BLOCKS === block)),
  );
}

interface Outcome {
  readonly parts: readonly TrialPart[];
  readonly lengths: Setup['outputs'];
  readonly assumed: readonly string[];
}

function reportOf({ mode, outputs }: ProgramManifest, { parts, lengths, assumed }: Outcome): TrialReport {
  const total = (of: (part: TrialPart) => number): number => parts.reduce((sum, part) => sum + of(part), 0);
  const faults = parts.flatMap((part) => part.faults).toSorted((one, other) => one.record - other.record);
  const shares = outputs.map(({ name }, at) => ({
    name,
    gave: total((part) => part.outputs[at]!.gave),
    defaulted: total((part) => part.outputs[at]!.defaulted),
    clamped: total((part) => part.outputs[at]!.clamped),
  }));
  const empty = outputs.find((_, at) => shares[at]!.gave === 0);
  const counts = FAULT_KINDS.map((kind) => [kind, total((part) => part.counts[kind])]);
  return {
    mode,
    records: total(({ records }) => records),
    nothing: total(({ nothing }) => nothing),
    outputs: shares,
    counts: Object.fromEntries(counts) as TrialReport['counts'],
    findings: faults.slice(0, FINDINGS_MAX).map((fault) => findingOf(fault, lengths)),
    assumed,
    refusal: empty === undefined ? null : refusalOf(empty, faults, assumed),
  };
}

function findingOf(fault: TrialFault, lengths: Outcome['lengths']): TrialFinding {
  const { kind, record, line, name } = fault;
  const sentence = sentenceOf(fault, lengths);
  return { kind, record: record + 1, line: line === 0 ? null : line, output: name, sentence };
}

function sentenceOf({ kind, name, text }: TrialFault, lengths: Outcome['lengths']): Sentence {
  if (name === null)
    switch (kind) {
      case 'load':
      case 'throw':
        return say(`trial.fault.${kind}`, { text });
      case 'died':
      case 'fuel':
        return say(`trial.fault.${kind}`);
      default:
        return say('trial.fault.returned', { text });
    }
  switch (kind) {
    case 'missing':
      return say('trial.fault.missing', { name });
    case 'length': {
      const length = lengths.find((output) => output.name === name)?.width ?? 0;
      return say('trial.fault.length', { name, text, length });
    }
    case 'nan':
    case 'key':
    case 'clamped':
      return say(`trial.fault.${kind}`, { name, text });
    default:
      return say('trial.fault.type', { name, text });
  }
}

/** The first fault that kept a record out of an output. */
function refusalOf(
  { name: output, by }: ProgramOutput,
  faults: readonly TrialFault[],
  assumed: readonly string[],
): Sentence {
  const own = [null, output, ...by.map((key) => key.name)];
  const first = faults.find(({ kind, name }) => kind !== 'clamped' && own.includes(name)) ?? faults[0];
  const { record = 0, line = 0, kind = 'missing', text = '' } = first ?? {};
  const what = text === '' ? kind : `${kind}: ${text}`;
  const args = { output, record: record + 1, line: line === 0 ? '–' : line, what };
  if (assumed.length === 0) return say('trial.refused', args);
  return say('trial.refusedAssumed', { ...args, names: assumed.join(', ') });
}
