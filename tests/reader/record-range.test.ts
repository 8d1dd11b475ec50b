/** Ranges of records: in the order of their numbers, although the engine hands its chunks over in any. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { runStream, startEngine } from '#sandbox/reader/engine.ts';
import { readRange } from '#sandbox/reader/record-range.ts';
import { decodeRecords } from '#sandbox/worker/records.ts';

const scratch = mkdtempSync(join(tmpdir(), 'unseen-range-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const ROWS = 491_520;
const READS = 12;

test('rows come in the order of their numbers, whatever order the threads finish in', async () => {
  const path = join(scratch, 'none.parquet');
  const memory = { memoryMiB: 1024, spillMiB: 64 };
  const connection = await startEngine({ type: 'parquet', path, scratch, threads: 2, ...memory });
  await connection.run('CREATE TABLE t AS SELECT CAST(range AS DOUBLE) AS x FROM range(3000000)');
  const sql = `SELECT rowid, x FROM t WHERE rowid >= 0 AND rowid < ${ROWS}`;

  let disorders = 0;
  for (let read = 0; read < READS; read += 1) {
    await runStream(connection, { sql, params: [] }, async (result) => {
      let last = -1;
      for (let chunk = await result.fetchChunk(); chunk !== null; chunk = await result.fetchChunk()) {
        if (chunk.rowCount === 0) break;
        const first = Number(chunk.getColumnVector(0).getItem(0));
        if (first < last) disorders += 1;
        last = first;
      }
    });
    const request = {
      kind: 'records',
      id: 1,
      sql,
      params: [],
      units: false,
      fields: [{ kind: 'number' }],
    } as const;
    const { records, next } = await readRange(connection, request);
    expect(next).toBeNull();
    let expected = 0;
    for (const { bytes } of records) {
      const [column] = decodeRecords(bytes).columns;
      if (column?.kind !== 'number') throw new Error('a column of numbers was asked for');
      for (const value of column.values)
        if (value !== expected++) throw new Error(`row ${expected - 1} has another place`);
    }
    expect(expected).toBe(ROWS);
  }
  // The control: as they come they are not in order, so that a reader which believed them would be seen here.
  expect(disorders).toBeGreaterThan(0);
  connection.closeSync();
});

test('only a SELECT is streamed', async () => {
  const path = join(scratch, 'none.parquet');
  const connection = await startEngine({
    type: 'parquet',
    path,
    scratch,
    threads: 1,
    memoryMiB: 256,
    spillMiB: 64,
  });
  for (const sql of ['CREATE TABLE made AS SELECT 1 AS x', `COPY (SELECT 1) TO '${scratch}/out.csv'`]) {
    const request = { kind: 'records', id: 1, sql, params: [], units: false, fields: [] } as const;
    await expect(readRange(connection, request)).rejects.toThrow('only a SELECT is a query');
  }
  connection.closeSync();
});
