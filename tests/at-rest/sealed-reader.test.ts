/**
 * A reader of a sealed source: it decrypts inside its jail, into memory, and the key is nowhere else.
 *
 * What is looked for is the data key as bytes, hex and base64, and a value of the data; each search has a control that
 * finds what was put there.
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  copyFileSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readHead } from '#crypto/at-rest/envelope-head.ts';
import { sealEnvelope } from '#crypto/at-rest/seal.ts';
import { PLAIN_JAIL } from '#sandbox/jail/jail.ts';
import { openReader, type Reader, type ReaderOptions } from '#sandbox/reader/reader.ts';
import { makeDirectory, PEOPLE, SECRET_NAME, writeSource } from '#tests/reader/source-files.ts';

const CONTEXT = { dataset: 'people', lineage: 'people', object: 'o-1' };
const directory = makeDirectory();
const path = join(directory, 'people.sealed');
const dataKey = randomBytes(32);

beforeAll(async () => {
  const plain = join(directory, 'people.parquet');
  await writeSource(PEOPLE, plain);
  await sealTo(path, readFileSync(plain));
  rmSync(plain);
});
afterAll(() => rmSync(directory, { recursive: true }));

async function sealTo(
  target: string,
  plain: Uint8Array,
  { key = dataKey, segmentBytes = 256 }: { key?: Uint8Array; segmentBytes?: number } = {},
): Promise<void> {
  const parts: Uint8Array[] = [];
  const options = {
    suite: 1,
    dataKey: key,
    wrapped: [],
    objectId: 'o-1',
    context: CONTEXT,
    segmentBytes,
  } as const;
  for await (const part of sealEnvelope(options, [plain])) parts.push(Buffer.from(part));
  writeFileSync(target, Buffer.concat(parts));
}

function open(file = path, changes: Partial<ReaderOptions> = {}, key: Uint8Array = dataKey): Promise<Reader> {
  return openReader({
    source: { type: 'parquet', path: file, sealed: { key: 'people' } },
    jail: 'preferred',
    scratchParent: directory,
    released: { dataKey: Buffer.from(key), objectId: 'o-1', context: CONTEXT },
    ...changes,
  });
}

test('a sealed source answers as the plain one would, in a full jail, and its key is wiped here', async () => {
  const released = { dataKey: Buffer.from(dataKey), objectId: 'o-1', context: CONTEXT };
  const reader = await open(path, { released });
  try {
    expect(await reader.query('SELECT count(*), max(name) FROM source')).toEqual([[8n], ['person 7']]);
    expect(reader.layers).toContain('seccomp');
    expect(released.dataKey).toEqual(Buffer.alloc(32));
  } finally {
    await reader.close();
  }
});

test('an envelope of SM4-GCM with SM3 opens in the jail as well', async () => {
  const file = join(directory, 'sm.sealed');
  const key = randomBytes(16);
  const plain = join(directory, 'sm.parquet');
  await writeSource(PEOPLE, plain);
  const parts: Uint8Array[] = [];
  const options = { suite: 2, dataKey: key, wrapped: [], objectId: 'o-1', context: CONTEXT } as const;
  for await (const part of sealEnvelope(options, [readFileSync(plain)])) parts.push(Buffer.from(part));
  writeFileSync(file, Buffer.concat(parts));
  const reader = await open(file, {}, key);
  try {
    expect(await reader.query('SELECT count(*) FROM source')).toEqual([[8n]]);
  } finally {
    await reader.close();
    rmSync(plain);
    rmSync(file);
  }
});

test('without a full jail it is refused, whatever the policy says, and no process gets a key', async () => {
  await expect(open(path, { jail: 'preferred', jailReport: PLAIN_JAIL })).rejects.toMatchObject({
    name: 'Refusal',
    code: 'JAIL',
  });
});

/** The ways in which bytes may stand in a file, an argument or an environment. */
function spellings(secret: Uint8Array): readonly Buffer[] {
  const bytes = Buffer.from(secret);
  return [
    bytes,
    ...(['hex', 'base64', 'base64url'] as const).map((form) => Buffer.from(bytes.toString(form))),
  ];
}

function holds(text: Buffer, secret: Uint8Array): boolean {
  return spellings(secret).some((spelling) => text.includes(spelling));
}

/** Ids of the processes that this one started, and theirs. */
function descendants(of = process.pid): number[] {
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((id) => parentOf(id) === of);
  return [...children, ...children.flatMap((id) => descendants(id))];
}

function parentOf(id: number): number {
  try {
    return Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${id}/status`, 'utf8'))?.[1]);
  } catch {
    return -1;
  }
}

/** What anybody of this user may see of a process without reading its memory. */
function visibleOf(id: number): Buffer {
  const names = ['cmdline', 'environ'];
  const links = readdirSync(`/proc/${id}/fd`).flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/${id}/fd/${fd}`)];
    } catch {
      return [];
    }
  });
  return Buffer.concat([
    ...names.map((name) => readFileSync(`/proc/${id}/${name}`)),
    Buffer.from(links.join('\n')),
  ]);
}

test('neither key nor plaintext is in an argument, an environment, a diagnostic or on a disk', async () => {
  const said: string[] = [];
  const reader = await open(path, { onDiagnostic: (text) => said.push(text) });
  try {
    await reader.query('SELECT name, count(*) FROM source GROUP BY name ORDER BY 1');
    await reader.query(`SELECT name + 1 FROM source`).catch(() => undefined);
    const processes = descendants();
    expect(processes.length).toBeGreaterThan(0);
    for (const id of processes) expect(holds(visibleOf(id), dataKey)).toBe(false);
    expect(holds(Buffer.from(said.join('')), dataKey)).toBe(false);
    // The reader's scratch parent, and everything else that this test may have put on a disk.
    const files = readdirSync(directory, { recursive: true, encoding: 'utf8' })
      .map((name) => join(directory, name))
      .filter((name) => statSync(name).isFile());
    expect(files).toEqual([path]);
    for (const file of files) {
      const bytes = readFileSync(file);
      expect(bytes.includes(SECRET_NAME)).toBe(false);
      expect(holds(bytes, dataKey)).toBe(false);
    }
    // Control: an environment that has the key is noticed.
    expect(holds(Buffer.from(`KEY=${Buffer.from(dataKey).toString('hex')}`), dataKey)).toBe(true);
  } finally {
    await reader.close();
  }
});

test('the scratch directory of its jail is memory, and nothing of this machine', async () => {
  const reader = await open();
  try {
    const mounts = descendants().map((id) => readFileSync(`/proc/${id}/mountinfo`, 'utf8'));
    const scratch = mounts.flatMap((text) => text.split('\n').filter((line) => line.includes(' /scratch ')));
    expect(scratch.length).toBeGreaterThan(0);
    for (const line of scratch) expect(line).toMatch(/ - tmpfs tmpfs .*size=\d+k/);
    expect(readdirSync(directory).filter((name) => name.startsWith('unseen-reader-'))).toEqual([]);
  } finally {
    await reader.close();
  }
});

test('control: a reader of a plain source has its scratch directory on this machine', async () => {
  const plain = join(directory, 'control.parquet');
  const reader = await openReader({
    source: await writeSource(PEOPLE, plain),
    jail: 'preferred',
    scratchParent: directory,
  });
  try {
    expect(readdirSync(directory).some((name) => name.startsWith('unseen-reader-'))).toBe(true);
    expect(readFileSync(plain).includes(SECRET_NAME)).toBe(true);
  } finally {
    await reader.close();
    rmSync(plain);
  }
});

describe('an envelope that is not whole or not the one that was meant is refused', () => {
  const bytesOf = (at: number, mask: number) => (file: string) => {
    const handle = openSync(file, 'r+');
    const one = Buffer.alloc(1);
    readSync(handle, one, 0, 1, at);
    writeSync(handle, Buffer.of(one[0]! ^ mask), 0, 1, at);
    closeSync(handle);
  };
  const size = (): number => statSync(path).size;
  const head = (): number => readHead(readFileSync(path)).bytes;

  test.for<[string, (file: string) => void]>([
    ['its last byte is gone', (file) => truncateSync(file, size() - 1)],
    ['its last segment is gone', (file) => truncateSync(file, head() + 272 * 2)],
    ['only its head is left', (file) => truncateSync(file, head())],
    ['it is empty', (file) => truncateSync(file, 0)],
    ['a bit of a segment is another', (file) => bytesOf(head() + 300, 1)(file)],
    ['a bit of the commitment is another', (file) => bytesOf(head() - 1, 128)(file)],
    ['a bit of the object’s header is another', (file) => bytesOf(40, 1)(file)],
    [
      'something follows it',
      (file) => writeFileSync(file, Buffer.concat([readFileSync(path), Buffer.of(0)])),
    ],
    [
      'two segments are exchanged',
      (file) => {
        const bytes = readFileSync(path);
        const [first, second] = [
          bytes.subarray(head(), head() + 272),
          bytes.subarray(head() + 272, head() + 544),
        ];
        writeFileSync(
          file,
          Buffer.concat([bytes.subarray(0, head()), second, first, bytes.subarray(head() + 544)]),
        );
      },
    ],
  ])('%s', async ([, happen]) => {
    const file = join(directory, `${randomBytes(6).toString('hex')}.sealed`);
    copyFileSync(path, file);
    happen(file);
    try {
      await expect(open(file)).rejects.toMatchObject({ code: 'SOURCE_UNREADABLE' });
    } finally {
      rmSync(file);
    }
  });

  test('its key is another', async () => {
    await expect(open(path, {}, randomBytes(32))).rejects.toMatchObject({ code: 'SOURCE_UNREADABLE' });
  });

  test('it was sealed for another dataset', async () => {
    const released = {
      dataKey: Buffer.from(dataKey),
      objectId: 'o-1',
      context: { ...CONTEXT, dataset: 'else' },
    };
    await expect(open(path, { released })).rejects.toMatchObject({ code: 'SOURCE_UNREADABLE' });
    expect(released.dataKey).toEqual(Buffer.alloc(32));
  });

  test('control: the envelope itself opens', async () => {
    const reader = await open();
    expect(reader.isGone).toBe(false);
    await reader.close();
  });
});

test('a query that is larger than its memory spills to memory of the jail', async () => {
  const plain = join(directory, 'large.parquet');
  await writeSource('SELECT i, hash(i)::VARCHAR AS h FROM range(3000000) AS t(i)', plain);
  const large = join(directory, 'large.sealed');
  await sealTo(large, readFileSync(plain), { segmentBytes: 2 ** 20 });
  rmSync(plain);
  const reader = await open(large, { memoryMiB: 256, threads: 1 });
  try {
    expect(await reader.query('SELECT count(*) FROM (SELECT h, count(*) FROM source GROUP BY h)')).toEqual([
      [3_000_000n],
    ]);
    expect(readdirSync(directory).toSorted()).toEqual(['large.sealed', 'people.sealed']);
  } finally {
    await reader.close();
    rmSync(large);
  }
});
