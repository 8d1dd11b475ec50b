/**
 * Registered sources of one lab process: what registration checks once, and warm jailed readers for the jobs after.
 *
 * Registration may open a source; it is the operator's act and spends no budget. A job opens it only after its
 * reservation is on disk.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { Failure } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import type { Engine } from '#sandbox/execute.ts';
import type { Dataset } from '#sandbox/manifest/dataset.ts';
import type { ReleasePolicy } from '#sandbox/manifest/policy.ts';
import { openReader, type Reader } from '#sandbox/reader/reader.ts';
import { checkUnchanged, identify, type SourceIdentity } from '#sandbox/reader/source.ts';

/** A source that passed registration. */
export interface RegisteredSource {
  /** SHA-256 (hex) of the whole file: known to the operator's side only. */
  readonly content: string;
  readonly layers: readonly string[];
  checkUnchanged(): Promise<void>;
  use<T>(job: (engine: Engine) => Promise<T>): Promise<T>;
}

interface Opened {
  readonly reader: Reader;
  readonly physical: Engine['physical'];
  readonly identity: SourceIdentity;
  readonly content: string;
}

export class LabSources {
  readonly #opened = new Map<string, Promise<Opened>>();

  /** Opens and checks a source once per process. Fails: SOURCE_UNREADABLE, CONFIG; refuses: JAIL. */
  async register(dataset: Dataset, policy: ReleasePolicy): Promise<RegisteredSource> {
    const name = JSON.stringify([dataset.source, policy.jail]);
    const identity = await identify(dataset.source);
    const known = await this.#opened.get(name)?.catch(() => null);
    if (known === undefined || known === null || !sameIdentity(known.identity, identity)) {
      await known?.reader.close();
      this.#opened.set(name, open(dataset, policy, identity));
    }
    const opened = await this.#opened.get(name)!;
    await checkAgainstSource(dataset, opened);
    return {
      content: opened.content,
      layers: opened.reader.layers,
      checkUnchanged: () => checkUnchanged(dataset.source, opened.identity),
      use: (job) =>
        job({ physical: opened.physical, query: (sql, params) => opened.reader.query(sql, params) }),
    };
  }

  async close(): Promise<void> {
    const readers = await Promise.allSettled(this.#opened.values());
    await Promise.all(
      readers.map((result) => (result.status === 'fulfilled' ? result.value.reader.close() : undefined)),
    );
  }
}

function sameIdentity(a: SourceIdentity, b: SourceIdentity): boolean {
  return JSON.stringify(a, text) === JSON.stringify(b, text);
}

function text(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

async function open(dataset: Dataset, policy: ReleasePolicy, identity: SourceIdentity): Promise<Opened> {
  const content = await sha256OfFile(dataset.source.path);
  const reader = await openReader({ source: dataset.source, jail: policy.jail });
  try {
    const columns = await reader.describe();
    return {
      reader,
      identity,
      content,
      physical: new Map(columns.map((column) => [column.name, column.type])),
    };
  } catch (error) {
    await reader.close();
    throw error;
  }
}

/** The columns exist, and the declared ceiling of rows holds: every exactness argument rests on it. */
async function checkAgainstSource(dataset: Dataset, opened: Opened): Promise<void> {
  const file = dataset.source.path;
  const absent = dataset.columns.find((column) => !opened.physical.has(column.name));
  if (absent !== undefined)
    throw new Failure('CONFIG', say('lab.columnAbsent', { file, column: absent.name }));
  const [[rows]] = (await opened.reader.query('SELECT count(*) FROM source', [])) as [[bigint]];
  if (rows > BigInt(dataset.maxRows))
    throw new Failure('CONFIG', say('lab.maxRows', { file, max: dataset.maxRows }));
}

async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
