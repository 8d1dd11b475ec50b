/**
 * Registered sources of one lab process: what registration checks once, and warm jailed readers for the jobs after.
 *
 * Registration may open a source; it is the operator's act and spends no budget. A job opens it only after its
 * reservation is on disk.
 */
import { Failure } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import type { Engine } from '#sandbox/execute.ts';
import type { Dataset } from '#sandbox/manifest/dataset.ts';
import type { ReleasePolicy } from '#sandbox/manifest/policy.ts';
import { openReader, type Reader } from '#sandbox/reader/reader.ts';
import { checkUnchanged, contentDigest, identify, isSameIdentity } from '#sandbox/reader/source.ts';

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
  readonly rows: bigint;
  readonly content: string;
}

export class LabSources {
  readonly #opened = new Map<string, Promise<Opened>>();

  /** Opens and checks a source once per process. Fails: SOURCE_UNREADABLE, CONFIG; refuses: JAIL. */
  async register(dataset: Dataset, policy: ReleasePolicy): Promise<RegisteredSource> {
    const { source } = dataset;
    const name = JSON.stringify([source, policy.jail]);
    const known = await this.#opened.get(name)?.catch(() => undefined);
    const isCurrent = known !== undefined && !known.reader.isGone && isSameIdentity(known.reader.identity, await identify(source));
    if (!isCurrent) {
      await known?.reader.close();
      this.#opened.set(name, open(dataset, policy));
    }
    const opened = await this.#opened.get(name)!;
    checkAgainstSource(dataset, opened);
    return {
      content: opened.content,
      layers: opened.reader.layers,
      checkUnchanged: () => checkUnchanged(source, opened.reader.identity),
      use: (job) => job({ physical: opened.physical, query: (sql, params) => opened.reader.query(sql, params) }),
    };
  }

  async close(): Promise<void> {
    const readers = await Promise.allSettled(this.#opened.values());
    await Promise.all(readers.map((result) => (result.status === 'fulfilled' ? result.value.reader.close() : undefined)));
  }
}

async function open(dataset: Dataset, policy: ReleasePolicy): Promise<Opened> {
  const reader = await openReader({ source: dataset.source, jail: policy.jail });
  try {
    const columns = await reader.describe();
    const [[rows]] = (await reader.query('SELECT count(*) FROM source')) as [[bigint]];
    const content = await contentDigest(reader, dataset.source, reader.identity);
    return { reader, rows, content, physical: { types: new Map(columns.map((column) => [column.name, column.type])), prepared: null } };
  } catch (error) {
    await reader.close();
    throw error;
  }
}

/** The columns exist, and the declared ceiling of rows holds: every exactness argument rests on it. CONFIG. */
function checkAgainstSource(dataset: Dataset, { physical, rows }: Opened): void {
  const file = dataset.source.path;
  const absent = dataset.columns.find((column) => !physical.types.has(column.name));
  if (absent !== undefined) throw new Failure('CONFIG', say('lab.columnAbsent', { file, column: absent.name }));
  if (rows > BigInt(dataset.maxRows)) throw new Failure('CONFIG', say('lab.maxRows', { file, max: dataset.maxRows }));
}
