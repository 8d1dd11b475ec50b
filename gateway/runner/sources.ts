/**
 * Warm jailed readers over registered sources: what registration checks once, and where jobs run their SQL.
 *
 * A reader serves jobs of one source only and never runs buyer code. A prepared copy lives in the reader's process;
 * a reader that dies is opened and prepared again. A job that is called off takes the reader with it if its query is
 * under way; other jobs that waited for the same reader are run again with a new one. Opening for registration is the operator's act; a job opens
 * nothing before its reservation is committed.
 * A sealed source has no warm reader and no prepared copy: its reader is opened for one job and ends with it.
 */
import { Failure, Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import { type EncryptedDataset, isEncrypted } from '#sandbox/encrypted/circuits.ts';
import { type EncryptedFiles, openEncryptedFiles } from '#sandbox/encrypted/files.ts';
import type { RecordEngine } from '#sandbox/execute.ts';
import type { CustodianAddress, Dataset, DatasetSource } from '#sandbox/manifest/dataset.ts';
import type { ReleasePolicy } from '#sandbox/manifest/policy.ts';
import { printPreparation } from '#sandbox/query/prepare.ts';
import type { PhysicalColumns } from '#sandbox/query/scan.ts';
import { openReader, type Reader } from '#sandbox/reader/reader.ts';
import {
  checkUnchanged,
  contentDigest,
  fileOf,
  identify,
  isSameIdentity,
  type ReleasedKey,
} from '#sandbox/reader/source.ts';
import type { ProcessUsage } from '#sandbox/jail/process-usage.ts';
import type { CustodianLink } from '../custodian/link.ts';

/** How often a sealed file may be replaced while it is being opened. */
const REPLACED_MAX = 3;

/** A source that passed the checks of registration. */
export interface OpenSource {
  /** SHA-256 (hex) of the whole file: known to the operator's side only. */
  readonly content: string;
  readonly layers: readonly string[];
  readonly prepared: boolean;
  /** Of encrypted data, which have no reader: its files, as the signed manifest has them. */
  readonly encrypted?: { readonly files: EncryptedFiles; readonly link: CustodianLink };
  /** What a job compares before it reads, and under which key a sealed file is: for the runner's own table. */
  readonly identity: Readonly<Record<string, string | object>>;
  checkUnchanged(): Promise<void>;
  /** Its size, and what its reader has used so far, as far as that is known: the operator's, never rated. */
  measure(): Promise<SourceUse>;
  /** Runs a job; `signal` calls it off at once. */
  use<T>(job: (engine: RecordEngine) => Promise<T>, signal?: AbortSignal): Promise<T>;
  /** What is left of it when a job on it has ended. */
  remains(): Promise<SourceRemains>;
  /** Ends the reader of a sealed source; one of a plain source stays warm. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * A reader after a job: `kept` for others on the same version, or exited; `left` if it should have exited and has not;
 * `none` for data that no reader opens.
 */
export interface SourceRemains {
  readonly reader: 'kept' | 'exited' | 'left' | 'none';
  /** Whether it keeps a prepared copy of the same data. */
  readonly prepared: boolean;
  readonly spillFiles: number;
}

/** The rows and bytes of a source, and processor time and memory of its reader. */
export type SourceUse = Partial<ProcessUsage> & { readonly rows?: number; readonly bytes?: number };

/** Whoever gives out the data keys of sealed sources, one for each opening. Refuses KEY_REFUSED; fails as it says. */
export interface KeyRelease {
  readonly releaseKey: (dataset: Dataset) => Promise<ReleasedKey>;
}

export interface SourceOptions {
  /** Whether readers keep a prepared copy where the policy allows it. */
  readonly prepare: boolean;
  /** What the engine of one reader may take before it spills; absent: the reader's default. */
  readonly memoryMiB?: number;
  /** The way to the custodian of encrypted data. Absent: none are opened. */
  readonly linkOf?: (address: CustodianAddress) => CustodianLink;
  /** Absent: no sealed source is opened. */
  readonly keys?: KeyRelease;
}

/** What opens a sealed source, and what calls that off. */
export interface Opening {
  /** Wiped whatever happens. Absent: it is asked for. */
  readonly released?: ReleasedKey | undefined;
  readonly signal?: AbortSignal | undefined;
}

interface Opened {
  readonly reader: Reader;
  readonly physical: PhysicalColumns;
  readonly rows: bigint;
  readonly content: string;
}

export class Sources {
  readonly #options: SourceOptions;
  readonly #opened = new Map<string, Promise<Opened>>();
  /** Readers of sealed sources, with the names of their keys. */
  readonly #sealed = new Map<Reader, string>();
  /** Names of keys that are no more. */
  readonly #ended = new Set<string>();

  constructor(options: SourceOptions) {
    this.#options = options;
  }

  /**
   * The data key of a sealed source, for one opening and to be wiped; undefined for a plain one. Refuses: KEY_REFUSED.
   * Fails: KMS_UNAVAILABLE, SOURCE_UNREADABLE, CONFIG.
   */
  async releaseKey(dataset: Dataset): Promise<ReleasedKey | undefined> {
    if (dataset.source.sealed === undefined) return undefined;
    const { keys } = this.#options;
    if (keys === undefined) throw new Failure('CONFIG', say('keys.none'));
    return keys.releaseKey(dataset);
  }

  /**
   * Opens and checks a source: a plain one once while its file and reader stay, a sealed one anew each time.
   * Fails: SOURCE_UNREADABLE, CONFIG, and for a sealed one as `releaseKey`, KILLED; refuses: JAIL.
   */
  async open(dataset: Dataset, policy: ReleasePolicy, opening: Opening = {}): Promise<OpenSource> {
    if (isEncrypted(dataset)) return openEncrypted(dataset, this.#options.linkOf);
    const source = fileOf(dataset);
    if (source.sealed !== undefined) return this.#openSealed(dataset, policy, opening);
    const prepare = this.#options.prepare && policy.prepare;
    // A prepared copy depends on the whole manifest: bounds, grids and lists are worked into it.
    const name = JSON.stringify([source, policy.jail, prepare ? dataset : null]);
    // One after the other: whoever comes second waits for the first one's reader and uses it.
    const renewed = this.#renewed(this.#opened.get(name), { dataset, policy, prepare });
    this.#opened.set(name, renewed);
    const opened = await renewed;
    checkAgainstSource(dataset, opened);
    const used: { again?: OpenSource } = {};
    return {
      ...factsOf(dataset, opened),
      checkUnchanged: () => checkUnchanged(source, opened.reader.identity),
      use: (job, signal) => this.#use({ dataset, policy, opened, used }, job, signal),
      remains: async () => {
        const left = await remainsOf(opened);
        return left.reader === 'exited' && used.again !== undefined ? used.again.remains() : left;
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }

  /** A reader of its own, for one job: it ends with it, and nothing of it is kept. */
  async #openSealed(
    dataset: Dataset,
    policy: ReleasePolicy,
    { released, signal }: Opening,
  ): Promise<OpenSource> {
    const key = released ?? (await this.releaseKey(dataset));
    if (key === undefined) throw new RangeError('a sealed source has a data key');
    try {
      const opened = await unlessCalledOff(this.#openWith(key, { dataset, policy, signal }), signal);
      const { reader } = opened;
      return {
        ...factsOf(dataset, opened),
        // What was read is what was compared: the whole of it is in the reader.
        checkUnchanged: () => Promise.resolve(),
        use: async (job, called) => {
          try {
            return await unlessCalledOff(job(engineOf(opened, called)), called);
          } finally {
            await this.#closeSealed(reader);
          }
        },
        // It is closed by then: closing waits for its exit.
        remains: async () => ({
          ...(await remainsOf(opened)),
          ...(this.#sealed.has(reader) && { reader: 'left' as const }),
        }),
        [Symbol.asyncDispose]: () => this.#closeSealed(reader),
      };
    } finally {
      key.dataKey.fill(0);
    }
  }

  /** A rewrap puts another file in the place of the one that was looked at; what is in it is the same, and so is its key. */
  async #openWith(
    key: ReleasedKey,
    { dataset, policy, signal }: { dataset: Dataset; policy: ReleasePolicy; signal: AbortSignal | undefined },
  ): Promise<Opened> {
    for (let left = REPLACED_MAX; ; left -= 1) {
      try {
        const released = { ...key, dataKey: Uint8Array.from(key.dataKey) };
        const opened = await openSource(dataset, policy, {
          ...this.#options,
          prepare: false,
          released,
          signal,
        });
        const name = dataset.source.sealed?.key ?? '';
        this.#sealed.set(opened.reader, name);
        if (!this.#ended.has(name)) return opened;
        // The key was given out, and destroyed while the source was being opened.
        await this.#closeSealed(opened.reader);
        throw new Refusal('KEY_REFUSED', say('keys.refused', { dataset: dataset.name }));
      } catch (error) {
        const isReplaced = error instanceof Failure && error.code === 'SOURCE_CHANGED';
        if (!isReplaced || left === 0) throw error;
      }
    }
  }

  /** Ends every reader over what was sealed under a key that is destroyed, and those that are being opened. Returns how many were open. */
  async endKey(key: string): Promise<number> {
    this.#ended.add(key);
    const readers = [...this.#sealed].filter(([, name]) => name === key).map(([reader]) => reader);
    await Promise.all(readers.map((reader) => this.#closeSealed(reader)));
    return readers.length;
  }

  async #closeSealed(reader: Reader): Promise<void> {
    this.#sealed.delete(reader);
    await reader.close();
  }

  /** The reader as it is, if its file and process are; else a new one. */
  async #renewed(
    previous: Promise<Opened> | undefined,
    wanted: { readonly dataset: Dataset; readonly policy: ReleasePolicy; readonly prepare: boolean },
  ): Promise<Opened> {
    const known = await previous?.catch(() => undefined);
    const source = fileOf(wanted.dataset);
    if (
      known !== undefined &&
      !known.reader.isGone &&
      isSameIdentity(known.reader.identity, await identify(source))
    )
      return known;
    await known?.reader.close();
    return openSource(wanted.dataset, wanted.policy, { ...this.#options, prepare: wanted.prepare });
  }

  async #use<T>(
    {
      dataset,
      policy,
      opened,
      used,
    }: { dataset: Dataset; policy: ReleasePolicy; opened: Opened; used: { again?: OpenSource } },
    job: (engine: RecordEngine) => Promise<T>,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    const { reader, content } = opened;
    try {
      return await unlessCalledOff(job(engineOf(opened, signal)), signal);
    } catch (error) {
      // Nothing of the job has left this process: what was read and drawn is dropped, and it is run again.
      if (!reader.isStopped || signal?.aborted === true) throw error;
      const again = await this.open(dataset, policy);
      if (again.content !== content) throw error;
      used.again = again;
      return again.use(job, signal);
    }
  }

  async close(): Promise<void> {
    for (const reader of this.#sealed.keys()) await this.#closeSealed(reader);
    for (const result of await Promise.allSettled(this.#opened.values()))
      if (result.status === 'fulfilled') await result.value.reader.close();
  }
}

/** Encrypted data: the signed manifest is what was registered, and no reader opens anything. */
async function openEncrypted(
  dataset: EncryptedDataset,
  linkOf: SourceOptions['linkOf'],
): Promise<OpenSource> {
  if (linkOf === undefined) throw new Failure('CONFIG', say('encrypted.noCustodian'));
  const files = await openEncryptedFiles(dataset);
  return {
    content: dataset.encryption.manifestDigest,
    layers: [],
    prepared: true,
    encrypted: { files, link: linkOf(files.custodian) },
    identity: { type: 'encrypted', ...files.custodian },
    measure: () => Promise.resolve({}),
    checkUnchanged: async () => {
      await openEncryptedFiles(dataset);
    },
    use: () => Promise.reject(new RangeError('encrypted data have no reader')),
    remains: () => Promise.resolve({ reader: 'none', prepared: false, spillFiles: 0 }),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** A reader whose process was ended is waited for, with its scratch directory. */
async function remainsOf({ reader, physical }: Opened): Promise<SourceRemains> {
  const isGone = reader.isGone;
  if (isGone) await reader.close();
  const kept = { reader: 'kept', prepared: physical.prepared !== null } as const;
  return {
    ...(isGone ? { reader: 'exited', prepared: false } : kept),
    spillFiles: reader.spillFiles(),
  };
}

/** What is known of an opened source besides its rows. */
function factsOf(
  { source }: Dataset,
  { reader, content, physical, rows }: Opened,
): Pick<OpenSource, 'content' | 'layers' | 'prepared' | 'identity' | 'measure'> {
  const { size, mtimeNs, inode, device, footer } = reader.identity;
  return {
    content,
    layers: reader.layers,
    prepared: physical.prepared !== null,
    measure: async () => ({ rows: Number(rows), bytes: Number(size), ...(await reader.usage()) }),
    identity: {
      type: source.type,
      size: `${size}`,
      mtimeNs: `${mtimeNs}`,
      inode: `${inode}`,
      device: `${device}`,
      footer,
      ...(source.sealed !== undefined && { sealed: source.sealed }),
    },
  };
}

function engineOf({ reader, physical }: Opened, signal: AbortSignal | undefined): RecordEngine {
  return {
    physical,
    query: (sql, params) => reader.query(sql, params, { signal }),
    prepare: (sql, params = []) => reader.prepare([{ sql, params }], { signal }),
    records: (query, from, to) => reader.records(query, [from, to].map(BigInt), { signal }),
  };
}

/** What a job gives, or at once a Failure when it is called off: it may still wait for its turn. */
async function unlessCalledOff<T>(job: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return job;
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = (): void => reject(new Failure('KILLED', say('storage.killed')));
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  try {
    return await Promise.race([job, promise]);
  } finally {
    signal.removeEventListener('abort', stop);
    // Whichever came second has nobody left who waits for it.
    job.catch(() => undefined);
    promise.catch(() => undefined);
  }
}

async function openSource(
  dataset: Dataset,
  policy: ReleasePolicy,
  { prepare, memoryMiB, released, signal }: SourceOptions & Opening,
): Promise<Opened> {
  const source = fileOf(dataset);
  const reader = await openReader({
    source,
    jail: policy.jail,
    signal,
    ...(memoryMiB !== undefined && { memoryMiB }),
    ...(released !== undefined && { released }),
  });
  try {
    const columns = await reader.describe();
    const stored: PhysicalColumns = {
      types: new Map(columns.map((column) => [column.name, column.type])),
      prepared: null,
    };
    const [[rows]] = (await reader.query('SELECT count(*) FROM source')) as [[bigint]];
    const content = await contentOf(source, reader);
    const opened = { reader, rows, content, physical: stored };
    checkAgainstSource(dataset, opened);
    return prepare ? { ...opened, physical: await prepareCopy(dataset, reader, stored) } : opened;
  } catch (error) {
    await reader.close();
    throw error;
  }
}

/** Of a sealed source by what its own reader decrypted: a digest that was kept would speak of another opening. */
async function contentOf(source: DatasetSource, reader: Reader): Promise<string> {
  if (source.sealed === undefined) return contentDigest(reader, source, reader.identity);
  return (await reader.digest()).sha256;
}

async function prepareCopy(
  dataset: Dataset,
  reader: Reader,
  stored: PhysicalColumns,
): Promise<PhysicalColumns> {
  const { sql, physical } = printPreparation(dataset, stored);
  await reader.prepare([{ sql, params: [] }]);
  return physical;
}

/** The columns exist, and the declared ceiling of rows holds: every exactness argument rests on it. CONFIG. */
function checkAgainstSource(dataset: Dataset, { physical, rows }: Opened): void {
  const file = dataset.source.path;
  const absent = dataset.columns.find((column) => !physical.types.has(column.name));
  if (absent !== undefined)
    throw new Failure('CONFIG', say('lab.columnAbsent', { file, column: absent.name }));
  if (rows > BigInt(dataset.maxRows))
    throw new Failure('CONFIG', say('lab.maxRows', { file, max: dataset.maxRows }));
}
