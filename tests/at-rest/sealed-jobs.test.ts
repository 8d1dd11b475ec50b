/** Jobs over a sealed dataset: from registration to release, by SQL and by programs, and every way to be refused its key. */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  copyFileSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
} from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { KmsError } from '#crypto/kms/adapter.ts';
import { keyRelease } from '#gateway/keys/key-release.ts';
import { readSealedHead, rewrapFile, sealFile } from '#gateway/keys/sealed-file.ts';
import { runStatements } from '#gateway/demo/generate.ts';
import type { KeyRelease } from '#gateway/runner/sources.ts';
import { findViolations } from '#gateway/storage/invariants.ts';
import type { ReleasedKey } from '#sandbox/reader/source.ts';
import { startSteps, type StepsWorld } from '#tests/support/steps-world.ts';
import { keyPlace, type KeyPlace } from './key-place.ts';

const ROWS = 400;
const COUNT = { sql: 'SELECT COUNT(*) AS n, SUM(age) AS ages FROM steps' };

let place: KeyPlace;
let steps: StepsWorld;
let sealed = '';
/** What takes the place of the key service for a while. */
let instead: KeyRelease['releaseKey'] | null = null;
/** Keys that were given out, as copies. */
const given: Buffer[] = [];
const buffers: Uint8Array[] = [];

beforeAll(async () => {
  place = await keyPlace();
  const keys: KeyRelease = {
    releaseKey: async (dataset) => {
      const released = await (instead ?? place.keys.releaseKey)(dataset);
      given.push(Buffer.from(released.dataKey));
      buffers.push(released.dataKey);
      return released;
    },
  };
  steps = await startSteps(
    ROWS,
    { jail: 'preferred' },
    {
      keys,
      seal: async (file) => {
        sealed = await place.seal(file);
        rmSync(file);
        return { type: 'parquet', path: basename(sealed), sealed: { key: 'steps' } };
      },
    },
  );
});
afterAll(async () => {
  await steps.close();
  await place.close();
});

/** Another question each time: a stored answer opens nothing. */
function anotherCount(): object {
  return { sql: `SELECT COUNT(*) AS n FROM steps WHERE age < ${1000 + randomBytes(3).readUIntBE(0, 3)}` };
}

async function spent(): Promise<string> {
  const [row] = await steps.world.db.rows<{ nano: string }>(
    sql`SELECT (spent_nano + reserved_nano)::text AS nano FROM lineage WHERE id = 'steps'`,
  );
  return row?.nano ?? '';
}

async function bitten<T>(use: KeyRelease['releaseKey'], act: () => Promise<T>): Promise<T> {
  instead = use;
  try {
    return await act();
  } finally {
    instead = null;
  }
}

test('SQL over a sealed dataset is answered, and each job has a key given out of its own', async () => {
  const before = given.length;
  expect(await steps.ended(COUNT)).toMatchObject({ outcome: 'released' });
  expect(await steps.ended(anotherCount())).toMatchObject({ outcome: 'released' });
  expect(given.length).toBe(before + 2);
  expect(steps.world.bugs).toEqual([]);
});

test('after a job no reader is left, and every buffer that held its key is zero', async () => {
  await steps.ended(anotherCount());
  expect(readersAlive()).toBe(0);
  expect(buffers.length).toBeGreaterThan(0);
  for (const buffer of buffers) expect(Buffer.from(buffer)).toEqual(Buffer.alloc(buffer.length));
});

test('what is written down of a job says that its reader has exited and its key holds zeros', async () => {
  const { id } = await steps.ended(anotherCount());
  const read = async (): Promise<object | undefined> => {
    const [row] = await steps.world.db.rows<object>(
      sql`SELECT record, complete FROM run_destruction WHERE job_id = ${String(id)}`,
    );
    return row;
  };
  await expect.poll(read, { timeout: 10_000 }).toMatchObject({
    record: { reader: 'exited', readerKept: false, spillFiles: 0, dataKey: 'wiped' },
    complete: true,
  });
});

/** Processes that have DuckDB mapped and are not this one: readers. */
function readersAlive(): number {
  return childrenOf(process.pid).filter((id) => {
    try {
      return readFileSync(`/proc/${id}/maps`, 'utf8').includes('duckdb');
    } catch {
      return false;
    }
  }).length;
}

function childrenOf(parent: number): number[] {
  const own = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((id) => {
      try {
        return Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${id}/status`, 'utf8'))?.[1]) === parent;
      } catch {
        return false;
      }
    });
  return [...own, ...own.flatMap(childrenOf)];
}

test('a program over a sealed dataset runs, and its worker’s memory never holds the key', async () => {
  const program = await steps.approved('export const map = (row) => ({ older: row.age > 40 ? 1 : 0 });\n', {
    kind: 'Program',
    name: 'older',
    mode: 'map',
    inputs: { steps: ['age'] },
    outputs: { older: { kind: 'count' } },
  });
  const leaks: number[] = [];
  const looked = new Set<number>();
  const watching = setInterval(() => {
    for (const id of childrenOf(process.pid).filter(isWorker)) {
      looked.add(id);
      if (memoryHolds(id, given)) leaks.push(id);
    }
  }, 20);
  try {
    expect(await steps.ended({ program })).toMatchObject({ outcome: 'released' });
  } finally {
    clearInterval(watching);
  }
  expect(looked.size).toBeGreaterThan(0);
  expect(leaks).toEqual([]);
  // Control: this process keeps copies of the keys, and is found to.
  expect(memoryHolds(process.pid, given)).toBe(true);
});

function isWorker(id: number): boolean {
  try {
    return readFileSync(`/proc/${id}/maps`, 'utf8').includes('isolated-vm');
  } catch {
    return false;
  }
}

const SEARCHED_MAX = 256 * 2 ** 20;

/** Whether the writable memory of a process has one of these secrets. False for one that has ended. */
function memoryHolds(id: number, secrets: readonly Buffer[]): boolean {
  try {
    const memory = openSync(`/proc/${id}/mem`, 'r');
    try {
      return writableOf(id).some(([from, to]) => regionHolds(memory, from, to, secrets));
    } finally {
      closeSync(memory);
    }
  } catch {
    return false;
  }
}

function writableOf(id: number): [from: bigint, to: bigint][] {
  return [...readFileSync(`/proc/${id}/maps`, 'utf8').matchAll(/^(\w+)-(\w+) rw/gm)].map(([, from, to]) => [
    BigInt(`0x${from}`),
    BigInt(`0x${to}`),
  ]);
}

function regionHolds(memory: number, from: bigint, to: bigint, secrets: readonly Buffer[]): boolean {
  const length = Number(to - from);
  if (length > SEARCHED_MAX) return false;
  const bytes = Buffer.alloc(length);
  try {
    readSync(memory, bytes, 0, length, from);
  } catch {
    return false; // Reserved, and not there.
  }
  return secrets.some((secret) => bytes.includes(secret));
}

describe('a key that is not given out costs nothing', () => {
  test('disabled, and enabled again', async () => {
    const before = await spent();
    await place.kms.disable('steps');
    expect(await steps.ended(anotherCount())).toMatchObject({ outcome: 'refused', code: 'KEY_REFUSED' });
    expect(await spent()).toBe(before);
    await place.kms.enable('steps');
    expect(await steps.ended(anotherCount())).toMatchObject({ outcome: 'released' });
  });

  test('a key service that is down or slow', async () => {
    for (const code of ['UNAVAILABLE', 'TIMEOUT', 'CIRCUIT_OPEN', 'SEALED', 'PERMISSION_DENIED'] as const) {
      const before = await spent();
      const broken = { ...place.kms, unwrap: () => Promise.reject(new KmsError(code)) };
      const release = keyRelease({ get: () => Promise.resolve(broken) });
      const job = await bitten(release.releaseKey, () => steps.ended(anotherCount()));
      expect(job).toMatchObject({ outcome: 'failed', code: 'KMS_UNAVAILABLE' });
      expect(await spent()).toBe(before);
    }
  });

  test('a file that was sealed for another dataset, or under another key, in the place of this one', async () => {
    const kept = `${sealed}.kept`;
    renameSync(sealed, kept);
    try {
      await place.kms.createKey('other');
      const plain = `${sealed}.plain`;
      copyFileSync(kept, plain);
      for (const changes of [
        { dataset: 'else', key: 'steps' },
        { dataset: 'steps', key: 'other' },
      ]) {
        await sealFile(place.kms, { file: plain, out: sealed, lineage: 'steps', suite: 1, ...changes });
        const before = await spent();
        expect(await steps.ended(anotherCount())).toMatchObject({ outcome: 'refused', code: 'KEY_REFUSED' });
        expect(await spent()).toBe(before);
        rmSync(sealed);
      }
      rmSync(plain);
    } finally {
      renameSync(kept, sealed);
    }
  });
});

describe('a file that is not what was registered', () => {
  test('is no answer when it was truncated: the budget is spent, as the rule of an opened job is', async () => {
    const kept = `${sealed}.kept`;
    copyFileSync(sealed, kept);
    try {
      truncateSync(sealed, statSync(sealed).size - 10);
      expect(await steps.ended(anotherCount())).toMatchObject({
        outcome: 'failed',
        code: 'SOURCE_UNREADABLE',
      });
    } finally {
      renameSync(kept, sealed);
    }
    expect(await steps.ended(anotherCount())).toMatchObject({ outcome: 'released' });
  });

  test('is no answer when a key is given out that is another', async () => {
    const wrong = async (dataset: Parameters<KeyRelease['releaseKey']>[0]): Promise<ReleasedKey> => ({
      ...(await place.keys.releaseKey(dataset)),
      dataKey: randomBytes(32),
    });
    const job = await bitten(wrong, () => steps.ended(anotherCount()));
    expect(job).toMatchObject({ outcome: 'failed', code: 'SOURCE_UNREADABLE' });
  });

  test('is no answer when other data were sealed for the same dataset and key', async () => {
    const kept = `${sealed}.kept`;
    const plain = `${sealed}.plain`;
    renameSync(sealed, kept);
    try {
      await runStatements([
        `COPY (SELECT i AS uid, 7.0::DOUBLE AS age, 1.0::DOUBLE AS cost FROM range(10) AS t(i)) TO '${plain}' (FORMAT parquet)`,
      ]);
      await sealFile(place.kms, {
        file: plain,
        out: sealed,
        key: 'steps',
        dataset: 'steps',
        lineage: 'steps',
        suite: 1,
      });
      expect(await steps.ended(anotherCount())).toMatchObject({ outcome: 'failed', code: 'SOURCE_CHANGED' });
    } finally {
      rmSync(plain);
      renameSync(kept, sealed);
    }
  });
});

describe('rotation', () => {
  test('a rewrap changes the key block alone, and the old version may be destroyed after it', async () => {
    const before = readFileSync(sealed);
    const { bytes, wrapped } = readSealedHead(sealed);
    expect(wrapped[0]?.version).toBe(1);
    await place.kms.rotate('steps');
    expect(await steps.ended(anotherCount())).toMatchObject({ outcome: 'released' });
    expect(await rewrapFile(place.kms, sealed)).toEqual({ key: 'steps', from: 1, to: 2 });
    const after = readFileSync(sealed);
    expect(after.subarray(bytes)).toEqual(before.subarray(bytes));
    expect(after.length).toBe(before.length);
    expect(readSealedHead(sealed).object).toEqual(readSealedHead(sealed).object);
    await place.kms.destroyBefore('steps', 2);
    expect(await steps.ended(anotherCount())).toMatchObject({ outcome: 'released' });
    // Control: a copy from before the rewrap does not open any more.
    await expect(place.kms.unwrap(wrapped[0]!, readSealedHead(sealed).object.context)).rejects.toMatchObject({
      code: 'KEY_DESTROYED',
    });
  });

  test('jobs go on while files are rewrapped again and again', async () => {
    const over = new AbortController();
    const rewrapping = (async () => {
      while (!over.signal.aborted) {
        await place.kms.rotate('steps');
        await rewrapFile(place.kms, sealed);
        await sleep(30);
      }
    })();
    const outcomes: unknown[] = [];
    for (let asked = 0; asked < 4; asked += 1) outcomes.push((await steps.ended(anotherCount()))['outcome']);
    over.abort();
    await rewrapping;
    expect(outcomes).toEqual(['released', 'released', 'released', 'released']);
  });
});

test('leaves no invariant of storage broken, and no bug', async () => {
  expect(await findViolations(steps.world.db)).toEqual([]);
  expect(steps.world.bugs).toEqual([]);
});
