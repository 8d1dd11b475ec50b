/** Programs that buyers would write, admitted and run in a jailed worker, give what their modules give in plain Node. */
import { readFileSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { admitProgram } from '#sandbox/program/admission/admit.ts';
import { parseProgramManifest } from '#sandbox/program/manifest-file.ts';
import type { ProgramManifest, ParamValue } from '#sandbox/program/program.ts';
import { WorkerPool } from '#sandbox/worker/pool.ts';
import type { MapSetup } from '#sandbox/worker/protocol.ts';
import { encodeRecords, type RecordColumn } from '#sandbox/worker/records.ts';

type Value = number | boolean | string | null;

interface Sample {
  readonly params: Readonly<Record<string, ParamValue>>;
  readonly rows: readonly Readonly<Record<string, Value>>[];
}

interface Module {
  map(row: Record<string, Value>, params: Sample['params']): unknown;
}

const samples = JSON.parse(textOf('accepted.json')) as Readonly<Record<string, Sample>>;
const pool = new WorkerPool();
afterAll(() => pool.close());

function textOf(path: string): string {
  return readFileSync(new URL(`../programs/${path}`, import.meta.url), 'utf8');
}

/** A column by what stands in it: a sample has no schema. */
function columnOf(values: readonly Value[]): RecordColumn {
  const known = values.find((value) => value !== null);
  if (typeof known === 'string') {
    const dictionary = [...new Set(values.filter((value) => typeof value === 'string'))];
    const codes = Int32Array.from(values, (value) =>
      value === null ? -1 : dictionary.indexOf(String(value)),
    );
    return { kind: 'text', codes, dictionary };
  }
  if (typeof known === 'boolean') {
    return {
      kind: 'boolean',
      values: Uint8Array.from(values, (value) => (value === null ? 2 : Number(value))),
    };
  }
  return {
    kind: 'number',
    values: Float64Array.from(values, (value) => (value === null ? NaN : Number(value))),
  };
}

function setupOf(
  code: string,
  manifest: ProgramManifest,
  columns: MapSetup['columns'],
  params: Sample['params'],
) {
  const keys = new Map(manifest.outputs.flatMap(({ by }) => by.map(({ name, values }) => [name, values])));
  return {
    mode: 'map' as const,
    code,
    params,
    fuel: manifest.fuel,
    columns,
    outputs: manifest.outputs.map((output) =>
      output.kind === 'vector'
        ? { name: output.name, width: output.length, isVector: true }
        : { name: output.name, width: 1 },
    ),
    keys: [...keys].map(([name, values]) => ({ name, values })),
  };
}

/** What the driver should read of a returned value, said another way. */
function entriesOf(returned: unknown, name: string, width: number): readonly number[] {
  const value: unknown =
    typeof returned === 'object' && returned !== null ? Reflect.get(returned, name) : returned;
  const entries: unknown[] = Array.isArray(value) ? value : [value];
  const isWhole = entries.length === width && entries.every((entry) => Number.isFinite(entry));
  return isWhole ? entries.map((entry) => Number(entry) + 0) : Array<number>(width).fill(NaN);
}

test.each(Object.keys(samples))('%s', async (name) => {
  const { params, rows } = samples[name]!;
  const module = textOf(`accepted/${name}.js`);
  const manifest = parseProgramManifest(textOf(`accepted/${name}.yaml`), { path: name });
  const { code, findings } = admitProgram(module, 'map', manifest);
  expect(findings.filter(({ severity }) => severity === 'error')).toEqual([]);
  const fields = Object.keys(rows[0]!);
  const columns = fields.map((field) => columnOf(rows.map((row) => row[field]!)));
  const named = fields.map((field, index) => ({ name: field, kind: columns[index]!.kind }));
  const setup = setupOf(code!, manifest, named, params);
  const worker = await pool.take('strict', 'preferred', setup);
  const result = await worker.map(encodeRecords({ rows: rows.length, columns }), rows.length);
  worker.kill();
  if (result === 'died') throw new Error('the worker died');
  const plain = (await import(`data:text/javascript,${encodeURIComponent(module)}`)) as Module;
  const returned = rows.map((row) => {
    try {
      return plain.map({ ...row }, params);
    } catch {
      return {}; // Nothing for any output, in no cell.
    }
  });
  for (const [index, output] of setup.outputs.entries()) {
    expect([...result.values[index]!]).toEqual(
      returned.flatMap((value) => entriesOf(value, output.name, output.width)),
    );
  }
  for (const [index, key] of setup.keys.entries()) {
    expect([...result.codes[index]!]).toEqual(
      returned.map((value) => key.values.indexOf(Reflect.get(value as object, key.name) as never)),
    );
  }
});
