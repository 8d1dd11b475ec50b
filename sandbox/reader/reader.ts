/**
 * A reader as the runner sees it: a jailed process with one source open, asked by our own SQL.
 *
 * Guarantee: what comes back are columns of integers, finite numbers, booleans and short texts, or a Failure without any
 * text of the engine. The process has read the file of the identity that was compared before it started, in the
 * layers that `layers` lists. When a call fails otherwise than by the engine, the process is killed.
 * Not covered: what the values are. Whoever asked checks shape and range against the Plan.
 */
import { availableParallelism } from 'node:os';
import { Failure, Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import {
  checkConfined,
  type ConfinedProcess,
  type JailDemand,
  type JailReport,
  startConfined,
} from '../jail/jail.ts';
import { type ProcessUsage, readProcessUsage } from '../jail/process-usage.ts';
import type { JailLayer } from '../jail/self-test.ts';
import {
  type ColumnValue,
  type EngineSettings,
  encodeStatement,
  MAX_RANGE_BYTES,
  type ReaderParam,
  type ReaderStatement,
  type RecordField,
  type RecordRange,
} from './protocol.ts';
import { PipeError, type PipeAnswer, ReaderPipe, type RequestBody } from './reader-pipe.ts';
import {
  placesOf,
  readerProgram,
  SEALED_INPUT,
  SEALED_PLACES,
  sealedReaderProgram,
} from './reader-program.ts';
import { countFiles, makeScratch, removeScratch } from './scratch.ts';
import {
  checkUnchanged,
  type Digester,
  identify,
  jailFor,
  type ReleasedKey,
  sourceChanged,
  type SourceFile,
  type SourceIdentity,
  sourceUnreadable,
} from './source.ts';

export interface ReaderOptions {
  readonly source: SourceFile;
  /** What the dataset's policy demands. */
  readonly jail: JailDemand;
  /**
   * Of a sealed source: the key goes to the reader's process once and is overwritten here, whatever happens. Such a
   * source is opened only in a full jail, in memory, whatever `jail` says.
   */
  readonly released?: ReleasedKey;
  /** Calls the opening off. */
  readonly signal?: AbortSignal | undefined;
  /** A lesser jail to use than this machine's own. */
  readonly jailReport?: JailReport;
  /** Of the engine, before it spills; the process takes about 250 MiB more. */
  readonly memoryMiB?: number;
  /** As many as there are processors and memory for, unless given. */
  readonly threads?: number;
  /** Most that the engine may spill. */
  readonly spillMiB?: number;
  /** Where scratch directories are made; a disk that may hold the data. */
  readonly scratchParent?: string;
  /** Largest result, in bytes as it travels (8 or 16 per integer). */
  readonly maxResultBytes?: number;
  /** Limit of a query that names none. */
  readonly queryTimeoutMs?: number;
  /** Gets what the engine says when it fails. It may hold values of the data: for operators only, never logged by default. */
  readonly onDiagnostic?: (text: string) => void;
}

/** A stored column, with the engine's name of its type. */
export interface PhysicalColumn {
  readonly name: string;
  readonly type: string;
}

/** A query for records: what its columns are. */
export interface RecordsQuery {
  readonly sql: string;
  readonly units: boolean;
  readonly fields: readonly RecordField[];
}

/** When a query ends without a result. */
export interface QueryLimits {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Columns of equal length. */
export type ResultColumns = readonly (readonly ColumnValue[])[];

export interface Reader extends Digester {
  /** Layers of isolation in force, for the receipt. */
  readonly layers: readonly JailLayer[];
  /** The file that is open. */
  readonly identity: SourceIdentity;
  /** The process is gone and every further call fails. */
  readonly isGone: boolean;
  /** It is gone because a query was called off, and for nothing else. */
  readonly isStopped: boolean;
  describe(): Promise<readonly PhysicalColumn[]>;
  /**
   * Runs one SELECT of ours over the table `source`. Queries of one reader wait for each other. One that is called off
   * while it runs takes the process with it, because an engine may not listen.
   * Fails: RUN_LIMIT at the time limit, SOURCE_CHANGED or SOURCE_UNREADABLE if that is why, else MACHINE_FAULT.
   */
  query(sql: string, params?: readonly ReaderParam[], limits?: QueryLimits): Promise<ResultColumns>;
  /** Reads one range of records, in buffers. Fails as `query` does. */
  records(query: RecordsQuery, params: readonly ReaderParam[], limits?: QueryLimits): Promise<RecordRange>;
  /** Runs CREATE and DROP statements of ours, whose tables later queries of this reader may use. Fails as `query` does. */
  prepare(statements: readonly ReaderStatement[], limits?: QueryLimits): Promise<void>;
  /** Files to which the engine has spilled and that are there now; 0 where it spills to memory of the jail. */
  spillFiles(): number;
  /** What its process has used so far, for the operator; null where that is not known. */
  usage(): Promise<ProcessUsage | null>;
  /** Kills the process and removes its scratch directory. */
  close(): Promise<void>;
}

/** 100 M rows in 20 M or 100 M groups stay below 1.8 GiB of resident memory with this and two threads (measured). */
const DEFAULT_MEMORY_MIB = 1536;
const DEFAULT_SPILL_MIB = 32 * 1024;
/** Over a sealed source the engine spills to memory of the jail too, never to a disk. */
const SEALED_SPILL_MIB = 1024;
/** Each thread groups on its own before it merges: the same query with half of this per thread ran out (measured). */
const MEMORY_MIB_PER_THREAD = 768;
const DEFAULT_RESULT_BYTES = 256 * 2 ** 20;
const DEFAULT_QUERY_TIMEOUT_MS = 10 * 60_000;
const OPEN_TIMEOUT_MS = 60_000;

/**
 * Starts a reader over a source.
 * Refuses: JAIL when a required layer is missing. Fails: SOURCE_UNREADABLE, SOURCE_CHANGED, MACHINE_FAULT.
 */
export async function openReader(options: ReaderOptions): Promise<Reader> {
  const { source } = options;
  const jail = jailFor(source, options.jail);
  let scratch: string | null = null;
  let reader: JailedReader | null = null;
  try {
    const identity = await identify(source);
    if (source.sealed === undefined) scratch = makeScratch(options.scratchParent);
    const memory = memoryOf(options);
    const program =
      scratch === null
        ? sealedReaderProgram(source, Number(identity.size), memory)
        : readerProgram(source, scratch, memory);
    const confined = await startConfined(program, jail, {
      stderr: stderrUse(options),
      jail: options.jailReport,
    });
    reader = new JailedReader(options, confined, { identity, scratch });
    await reader.open();
    await checkConfined(confined, jail);
    return reader;
  } catch (error) {
    await reader?.close();
    if (scratch !== null) removeScratch(scratch);
    throw error instanceof Refusal || error instanceof Failure || !isSystemError(error)
      ? error
      : machineFault();
  } finally {
    options.released?.dataKey.fill(0);
  }
}

type CallMeans = Parameters<ReaderPipe['call']>[2];

class JailedReader implements Reader {
  readonly layers: readonly JailLayer[];
  readonly identity: SourceIdentity;
  readonly #options: ReaderOptions;
  readonly #process: ConfinedProcess;
  readonly #pipe: ReaderPipe;
  /** Null where the scratch directory is memory of the jail. */
  readonly #scratch: string | null;

  constructor(
    options: ReaderOptions,
    confined: ConfinedProcess,
    given: { identity: SourceIdentity; scratch: string | null },
  ) {
    this.layers = confined.layers;
    this.identity = given.identity;
    this.#options = options;
    this.#process = confined;
    this.#scratch = given.scratch;
    this.#pipe = new ReaderPipe(
      confined,
      Math.max(MAX_RANGE_BYTES, options.maxResultBytes ?? DEFAULT_RESULT_BYTES),
    );
    confined.stderr?.setEncoding('utf8').on('data', (text: string) => options.onDiagnostic?.(text));
    void confined.exited.then(() => this.#removeScratch());
  }

  get isGone(): boolean {
    return this.#pipe.isGone;
  }

  get isStopped(): boolean {
    return this.#pipe.isStopped;
  }

  /** Opens the engine, and makes sure that the process has the very file that was identified. */
  async open(): Promise<void> {
    const { source } = this.#options;
    const places =
      this.#scratch === null ? SEALED_PLACES : placesOf(this.#process.mode, source, this.#scratch);
    const settings = {
      type: source.type,
      ...places,
      ...memoryOf(this.#options),
      threads: threadsOf(this.#options),
    } satisfies EngineSettings;
    const value = await this.#opened(settings);
    const seen = this.#texts(value, ['size', 'mtimeNs', 'inode', 'device']);
    const { size, mtimeNs, inode, device } = this.identity;
    if (seen.join(' ') !== [size, mtimeNs, inode, device].join(' ')) throw sourceChanged(source);
  }

  /** The answer to the opening. A sealed source is decrypted as a whole by then: that takes as long as a query may. */
  #opened(settings: EngineSettings): Promise<unknown> {
    const { source, released, signal } = this.#options;
    if (source.sealed === undefined)
      return this.#value({ kind: 'open', sealed: null, ...settings }, OPEN_TIMEOUT_MS, { signal });
    if (released === undefined) throw new RangeError('a sealed source is opened with its data key');
    const { dataKey, objectId, context } = released;
    const sealed = { from: SEALED_INPUT, objectId, context };
    const body = { kind: 'open', sealed, ...settings } as const;
    return this.#value(body, this.#timeout(), { signal, secret: dataKey });
  }

  async describe(): Promise<readonly PhysicalColumn[]> {
    const value = await this.#value({ kind: 'describe' }, this.#timeout());
    if (!Array.isArray(value)) throw this.#fault();
    return value.map((entry: unknown) => {
      const [name = '', type = ''] = this.#texts(entry, ['name', 'type']);
      return { name, type };
    });
  }

  async digest(): Promise<{ readonly sha256: string; readonly footer: string }> {
    const value = await this.#value({ kind: 'digest' }, this.#timeout());
    const [sha256 = '', footer = ''] = this.#texts(value, ['sha256', 'footer']);
    if (![sha256, footer].every((text) => /^[0-9a-f]{64}$/.test(text))) throw this.#fault();
    return { sha256, footer };
  }

  async query(
    sql: string,
    params: readonly ReaderParam[] = [],
    { timeoutMs, signal }: QueryLimits = {},
  ): Promise<ResultColumns> {
    const maxBytes = this.#options.maxResultBytes ?? DEFAULT_RESULT_BYTES;
    const body = { kind: 'query', maxBytes, ...encodeStatement({ sql, params }) } as const;
    const deadlineMs = timeoutMs ?? this.#timeout();
    const answer = await this.#call(body, deadlineMs, { signal });
    if (!('columns' in answer)) throw this.#fault();
    return answer.columns.map(({ values }) => values);
  }

  async records(
    { sql, units, fields }: RecordsQuery,
    params: readonly ReaderParam[],
    { timeoutMs, signal }: QueryLimits = {},
  ): Promise<RecordRange> {
    const body = { kind: 'records', units, fields, ...encodeStatement({ sql, params }) } as const;
    const answer = await this.#call(body, timeoutMs ?? this.#timeout(), { signal });
    if (!('records' in answer)) throw this.#fault();
    return answer;
  }

  async prepare(
    statements: readonly ReaderStatement[],
    { timeoutMs, signal }: QueryLimits = {},
  ): Promise<void> {
    const body = { kind: 'prepare', statements: statements.map(encodeStatement) } as const;
    await this.#value(body, timeoutMs ?? this.#timeout(), { signal });
  }

  async usage(): Promise<ProcessUsage | null> {
    const processId = await this.#process.programId;
    return processId === null ? null : readProcessUsage(processId);
  }

  async close(): Promise<void> {
    this.#pipe.close();
    await this.#process.exited;
    this.#removeScratch();
  }

  spillFiles(): number {
    return this.#scratch === null ? 0 : countFiles(this.#scratch);
  }

  #removeScratch(): void {
    if (this.#scratch !== null) removeScratch(this.#scratch);
  }

  #timeout(): number {
    return this.#options.queryTimeoutMs ?? DEFAULT_QUERY_TIMEOUT_MS;
  }

  async #value(body: RequestBody, deadlineMs: number, means: CallMeans = {}): Promise<unknown> {
    const answer = await this.#call(body, deadlineMs, means);
    if (!('value' in answer)) throw this.#fault();
    return answer.value;
  }

  /** Turns every outcome but an answer into a Failure of ours. */
  async #call(body: RequestBody, deadlineMs: number, means: CallMeans): Promise<PipeAnswer> {
    try {
      return await this.#pipe.call(body, deadlineMs, means);
    } catch (error) {
      throw error instanceof PipeError ? await this.#failureOf(error) : error;
    }
  }

  async #failureOf({ outcome }: PipeError): Promise<Failure> {
    const { source } = this.#options;
    if (outcome === 'DEADLINE') return new Failure('RUN_LIMIT', say('source.timeLimit'));
    try {
      await checkUnchanged(source, this.identity);
    } catch (error) {
      if (error instanceof Failure) return error;
      throw error;
    }
    return outcome === 'SOURCE' ? sourceUnreadable(source) : machineFault();
  }

  /** The named members of an answer, all text. */
  #texts(value: unknown, names: readonly string[]): readonly string[] {
    return names.map((name) => {
      const text: unknown =
        typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
      if (typeof text !== 'string') throw this.#fault();
      return text;
    });
  }

  /** An answer of the wrong shape: nothing this process says can be believed any more. */
  #fault(): Failure {
    this.#pipe.close();
    return machineFault();
  }
}

function machineFault(): Failure {
  return new Failure('MACHINE_FAULT', say('source.fault'));
}

function stderrUse({ onDiagnostic }: ReaderOptions): 'keep' | 'drop' {
  return onDiagnostic === undefined ? 'drop' : 'keep';
}

function memoryOf({ source, memoryMiB, spillMiB }: ReaderOptions): {
  readonly memoryMiB: number;
  readonly spillMiB: number;
} {
  const spill = source.sealed === undefined ? DEFAULT_SPILL_MIB : SEALED_SPILL_MIB;
  return { memoryMiB: memoryMiB ?? DEFAULT_MEMORY_MIB, spillMiB: spillMiB ?? spill };
}

function threadsOf(options: ReaderOptions): number {
  const affordable = Math.max(1, Math.floor(memoryOf(options).memoryMiB / MEMORY_MIB_PER_THREAD));
  return options.threads ?? Math.min(availableParallelism(), affordable);
}

/** No descriptor, process or disk space left: the machine's fault, not a bug of ours. */
function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}
