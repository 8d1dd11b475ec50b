/**
 * The lab's durable state: one append-only journal per directory, replayed at start.
 *
 * Guarantee: an entry is on disk (fsync) before anything that rests on it happens, so a crash can waste budget and
 * never give it back. One writer at a time; a half-written last line is what a crash leaves, and is dropped:
 * nothing was shown on its strength. Without a directory the same ledger lives in memory.
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { EvidenceKey } from '#crypto/evidence-key.ts';
import type { Profile } from '#crypto/profile.ts';
import { Failure } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import type { Cost, ReleasedCell } from '#sandbox/plan.ts';
import { type Capacity, charge, type Ledger } from '#sandbox/release/accountant.ts';
import type { LedgerOfDataset, LedgersOfDataset } from '../ledgers.ts';
import { checkKeyProfile, evidenceKeyIn } from '../services/key-files.ts';
import { type DirectoryLock, lockDirectory } from '../storage/directory-lock.ts';

const LOCK_WAIT_MS = 30_000;

const KEY_FILE = 'signing-key.jwk';

/** A released answer as it is kept for repeats. */
export interface StoredAnswer {
  readonly lineage: string;
  readonly planDigest: string;
  readonly releaseId: string;
  readonly jobId: string;
  readonly cells: readonly ReleasedCell[];
  /** Opens the receipt's output digest to these cells, 128 bits in hex. */
  readonly salt: string;
  readonly receipt: string;
}

/** What the journal holds, in the order it happened. */
type Entry =
  | {
      readonly type: 'lineage';
      readonly lineage: string;
      readonly seed: string;
      readonly capacity: CapacityText | null;
      /** The ledger of its population; absent: none. */
      readonly population?: string;
    }
  /** The ledger of a population, at its first use. */
  | { readonly type: 'population'; readonly lineage: string; readonly capacity: CapacityText | null }
  /** A later policy lowered the capacity: it stays at that. */
  | { readonly type: 'lowered'; readonly lineage: string; readonly capacity: CapacityText }
  | {
      readonly type: 'version';
      readonly lineage: string;
      readonly content: string;
      readonly path: string;
      readonly versionId: string;
      readonly versionKey: string;
    }
  | {
      readonly type: 'opened';
      readonly lineage: string;
      /** The population's ledger, which pays the same. */
      readonly population?: string;
      readonly jobId: string;
      readonly nano: string;
      readonly thresholdDeltaYocto: string;
    }
  | ({ readonly type: 'released' } & StoredAnswer);

interface CapacityText {
  readonly unit: 'rho' | 'epsilon';
  readonly nano: string;
  readonly thresholdDeltaYocto: string;
}

/** One lineage or population as it is kept. What it spent counts also while its capacity is null (unlimited). */
interface Account {
  readonly seed: string;
  readonly population: string | null;
  readonly capacity: Capacity | null;
  readonly spentNano: bigint;
  readonly spentThresholdDeltaYocto: bigint;
}

/** The ledgers that a job pays, under the policy in force (null: unlimited), and the secret of the lineage's keyed choices. */
interface Lineage {
  readonly seed: string;
  readonly ledger: Ledger | null;
  /** Null also where there is no population. */
  readonly population: Ledger | null;
}

export interface Version {
  readonly versionId: string;
  readonly versionKey: Buffer;
}

export class LabState {
  readonly signingKey: EvidenceKey;
  /** Whether the key lasts: a throw-away key goes along in the receipt. */
  readonly durable: boolean;
  readonly #file: number | null;
  readonly #lock: DirectoryLock | null;
  readonly #accounts = new Map<string, Account>();
  readonly #versions = new Map<string, Version>();
  /** Content digest or path → the lineage that holds it. */
  readonly #holders = new Map<string, string>();
  readonly #answers = new Map<string, StoredAnswer>();

  private constructor(signingKey: EvidenceKey, file: number | null, lock: DirectoryLock | null) {
    this.signingKey = signingKey;
    this.durable = file !== null;
    this.#file = file;
    this.#lock = lock;
  }

  /** A state that ends with the call. */
  static inMemory(signingKey: EvidenceKey): LabState {
    return new LabState(signingKey, null, null);
  }

  /**
   * Opens or makes a state directory. Fails: STATE_BUSY when another process holds it for `waitMs`, CONFIG for a
   * directory that cannot be used, holds something else or began with another crypto profile.
   */
  static async open(
    directory: string,
    options: { readonly waitMs?: number; readonly cryptoProfile?: Profile } = {},
  ): Promise<LabState> {
    const { waitMs = LOCK_WAIT_MS, cryptoProfile = 'international' } = options;
    const journal = join(directory, 'journal.jsonl');
    const lock = await lockOf(directory, waitMs);
    try {
      const entries = readEntries(journal, directory);
      const state = new LabState(
        evidenceKeyIn(join(directory, KEY_FILE), cryptoProfile),
        openJournal(journal, directory),
        lock,
      );
      for (const entry of entries) state.#apply(entry);
      return state;
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  /**
   * The ledgers of a lineage and its population under the policy in force. Each capacity is fixed at first use; a later
   * policy may lower it and never raise it. Fails: CONFIG for a ledger of another unit, and for a lineage that was used
   * under another population.
   */
  lineage({ lineage, population }: LedgersOfDataset): Lineage {
    this.#checkLedgers({ lineage, population });
    if (!this.#accounts.has(lineage.name))
      this.#append({
        type: 'lineage',
        lineage: lineage.name,
        seed: randomBytes(32).toString('hex'),
        capacity: capacityText(lineage.capacity),
        ...(population !== null && { population: population.name }),
      });
    if (population !== null && !this.#accounts.has(population.name))
      this.#append({
        type: 'population',
        lineage: population.name,
        capacity: capacityText(population.capacity),
      });
    const ledger = this.#lowered(lineage);
    const { seed } = this.#accounts.get(lineage.name)!;
    return { seed, ledger, population: population === null ? null : this.#lowered(population) };
  }

  /** Before anything is written, so that what is refused leaves nothing. */
  #checkLedgers({ lineage, population }: LedgersOfDataset): void {
    const known = this.#accounts.get(lineage.name);
    if (known !== undefined && known.population !== (population?.name ?? null))
      throw new Failure('CONFIG', say('storage.populationFixed', { lineage: lineage.name }));
    if (!this.#fits(lineage)) throw new Failure('CONFIG', say('lab.ledgerUnit', { lineage: lineage.name }));
    if (population !== null && !this.#fits(population))
      throw new Failure('CONFIG', say('storage.populationUnit', { population: population.name }));
  }

  /** Whether a ledger is new or counts in the unit of a policy. */
  #fits({ name, capacity }: LedgerOfDataset): boolean {
    const known = this.#accounts.get(name);
    return known === undefined || capacity === null || unitOf(known) === capacity.unit;
  }

  /** A known ledger under a policy, which may lower its capacity. */
  #lowered({ name, capacity }: LedgerOfDataset): Ledger | null {
    const known = this.#accounts.get(name)!;
    const lowered = capacityText(loweredBy(known.capacity, capacity));
    if (lowered !== null && JSON.stringify(lowered) !== JSON.stringify(capacityText(known.capacity)))
      this.#append({ type: 'lowered', lineage: name, capacity: lowered });
    return ledgerOf(this.#accounts.get(name)!, capacity);
  }

  /**
   * The version of a content within a lineage: the same content keeps its random id. Fails: CONFIG when another
   * lineage holds the content or the path, for two ledgers over one file would double its budget.
   */
  version(lineage: string, { content, path }: { readonly content: string; readonly path: string }): Version {
    const file = realPathOf(path);
    for (const origin of [content, file]) {
      const holder = this.#holders.get(origin);
      if (holder !== undefined && holder !== lineage)
        throw new Failure('CONFIG', say('lab.alias', { file: path, lineage: holder }));
    }
    const name = JSON.stringify([lineage, content]);
    if (!this.#versions.has(name)) {
      const [versionId, versionKey] = [randomBytes(16).toString('hex'), randomBytes(32).toString('hex')];
      this.#append({ type: 'version', lineage, content, path: file, versionId, versionKey });
    }
    return this.#versions.get(name)!;
  }

  /** The ledger as it stands, without making or changing one; null also where the policy's is of another unit. */
  peek(ledger: LedgerOfDataset): Ledger | null {
    return this.#fits(ledger) ? ledgerOf(this.#accounts.get(ledger.name) ?? EMPTY, ledger.capacity) : null;
  }

  /**
   * Reserves a cost on the lineage and its population, and commits it as opened: one entry, both or none.
   * Refuses: BUDGET. From here on the budget is spent, whatever happens.
   */
  reserveAndOpen(ledgers: LedgersOfDataset, jobId: string, cost: Cost): void {
    const { ledger, population } = this.lineage(ledgers);
    for (const paying of [ledger, population]) if (paying !== null) charge(paying, cost);
    this.#append({
      type: 'opened',
      lineage: ledgers.lineage.name,
      ...(ledgers.population !== null && { population: ledgers.population.name }),
      jobId,
      nano: String(cost.nano),
      thresholdDeltaYocto: String(cost.thresholdDeltaYocto),
    });
  }

  /** Keeps an answer before it is shown. */
  release(answer: StoredAnswer): void {
    this.#append({ type: 'released', ...answer });
  }

  stored(lineage: string, planDigest: string): StoredAnswer | undefined {
    return this.#answers.get(JSON.stringify([lineage, planDigest]));
  }

  /** That the state in a directory, open already, began with this profile. Fails: CONFIG. */
  checkProfile(directory: string, profile: Profile): void {
    checkKeyProfile(this.signingKey.publicJwk, join(directory, KEY_FILE), profile);
  }

  async close(): Promise<void> {
    if (this.#file !== null) closeSync(this.#file);
    await this.#lock?.release();
  }

  #append(entry: Entry): void {
    if (this.#file !== null) {
      writeSync(this.#file, `${JSON.stringify(entry)}\n`);
      fsyncSync(this.#file);
    }
    this.#apply(entry);
  }

  #apply(entry: Entry): void {
    switch (entry.type) {
      case 'lineage':
        this.#accounts.set(entry.lineage, {
          ...EMPTY,
          seed: entry.seed,
          population: entry.population ?? null,
          capacity: capacityOfText(entry.capacity),
        });
        break;
      case 'population':
        this.#accounts.set(entry.lineage, { ...EMPTY, capacity: capacityOfText(entry.capacity) });
        break;
      case 'lowered': {
        const account = this.#accounts.get(entry.lineage)!;
        this.#accounts.set(entry.lineage, { ...account, capacity: capacityOfText(entry.capacity) });
        break;
      }
      case 'version':
        this.#holders.set(entry.content, entry.lineage).set(entry.path, entry.lineage);
        this.#versions.set(JSON.stringify([entry.lineage, entry.content]), {
          versionId: entry.versionId,
          versionKey: Buffer.from(entry.versionKey, 'hex'),
        });
        break;
      case 'opened':
        for (const name of [entry.lineage, entry.population]) {
          if (name === undefined) continue;
          const account = this.#accounts.get(name)!;
          this.#accounts.set(name, {
            ...account,
            spentNano: account.spentNano + BigInt(entry.nano),
            spentThresholdDeltaYocto: account.spentThresholdDeltaYocto + BigInt(entry.thresholdDeltaYocto),
          });
        }
        break;
      case 'released':
        this.#answers.set(JSON.stringify([entry.lineage, entry.planDigest]), entry);
    }
  }
}

/** Opens the journal for appending; its name is on disk before anything is written to it. */
function openJournal(journal: string, directory: string): number {
  const file = openSync(journal, 'a', 0o600);
  const folder = openSync(directory, 'r');
  fsyncSync(folder);
  closeSync(folder);
  return file;
}

/** Reads the journal; a last line without its newline was never acted on, and is cut off. */
function readEntries(journal: string, directory: string): readonly Entry[] {
  if (!existsSync(journal)) return [];
  const text = readFileSync(journal, 'utf8');
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  if (whole.length < text.length) truncateSync(journal, Buffer.byteLength(whole));
  try {
    return whole
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Entry);
  } catch (error) {
    throw new Failure('CONFIG', say('lab.stateUnusable', { directory }), { cause: error });
  }
}

function capacityText(capacity: Capacity | null): CapacityText | null {
  if (capacity === null) return null;
  return {
    unit: capacity.unit,
    nano: String(capacity.nano),
    thresholdDeltaYocto: String(capacity.thresholdDeltaYocto),
  };
}

function capacityOfText(text: CapacityText | null): Capacity | null {
  if (text === null) return null;
  return { unit: text.unit, nano: BigInt(text.nano), thresholdDeltaYocto: BigInt(text.thresholdDeltaYocto) };
}

const EMPTY: Account = {
  seed: '',
  population: null,
  capacity: null,
  spentNano: 0n,
  spentThresholdDeltaYocto: 0n,
};

/** The unit that a lineage's costs are counted in: without a limit there is no pure ledger. */
function unitOf({ capacity }: Account): Capacity['unit'] {
  return capacity?.unit ?? 'rho';
}

function ledgerOf(
  { capacity, spentNano, spentThresholdDeltaYocto }: Account,
  asked: Capacity | null,
): Ledger | null {
  const inForce = capacity === null || asked === null ? (capacity ?? asked) : lower(capacity, asked);
  return inForce === null ? null : { capacity: inForce, spentNano, spentThresholdDeltaYocto };
}

/** What stays of a capacity after a policy: one with listed keys says nothing about the δ of key selection. */
function loweredBy(capacity: Capacity | null, asked: Capacity | null): Capacity | null {
  if (capacity === null || asked === null) return capacity ?? asked;
  const { unit, nano, thresholdDeltaYocto } = lower(capacity, asked);
  const saysNothing = asked.thresholdDeltaYocto === 0n;
  return {
    unit,
    nano,
    thresholdDeltaYocto: saysNothing ? capacity.thresholdDeltaYocto : thresholdDeltaYocto,
  };
}

function lower(a: Capacity, b: Capacity): Capacity {
  const smaller = (x: bigint, y: bigint): bigint => (x < y ? x : y);
  return {
    unit: a.unit,
    nano: smaller(a.nano, b.nano),
    thresholdDeltaYocto: smaller(a.thresholdDeltaYocto, b.thresholdDeltaYocto),
  };
}

/** Makes the directory and takes its lock. Fails: STATE_BUSY, CONFIG. */
async function lockOf(directory: string, waitMs: number): Promise<DirectoryLock> {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    return await lockDirectory(directory, { waitMs });
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure('CONFIG', say('lab.stateUnusable', { directory }), { cause: error });
  }
}

/** The one name of a file that has several; as given where there is no such file. */
function realPathOf(path: string): string {
  return existsSync(path) ? realpathSync(path) : path;
}
