/**
 * Printed programs run in the isolates that workers make, in a Node of its own: what each record gave, run by run.
 *
 * Reads one IsolateTask as JSON from standard input and writes the results as JSON. Every run has an isolate of its own,
 * made and driven by the code of sandbox/worker; a weaker realm, or one isolate for all runs, is asked for by name.
 * Not covered: the worker's process and its jail.
 */
import { text } from 'node:stream/consumers';
import ivm from 'isolated-vm';
import { mapDriver } from '#sandbox/worker/driver.ts';
import { lockedSnapshot, makeIsolate, type Snapshot } from '#sandbox/worker/isolate.ts';
import { headerOf, type MapSetup } from '#sandbox/worker/protocol.ts';
import { encodeRecords, type RecordColumn } from '#sandbox/worker/records.ts';
import { sesText } from '#sandbox/worker/ses-text.ts';
import type { IsolateRow, IsolateTask, RunValues } from './isolate-task.ts';

const RUN_MS = 60_000;
/** What stands in the place of the hardened realm: values of the module are frozen, what they inherit is not. */
const BARE_REALM = `globalThis.$harden = (value) => {
  const isObject = typeof value === 'function' || (typeof value === 'object' && value !== null);
  if (!isObject || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const key of Reflect.ownKeys(value)) {
    const { value: inner } = Object.getOwnPropertyDescriptor(value, key);
    $harden(inner);
  }
  return value;
};
globalThis.$iterator = Symbol.iterator;
globalThis.$open = (start) => start();`;

const input = await text(process.stdin);
const task = JSON.parse(input) as IsolateTask;
const snapshot: Snapshot =
  task.realm === 'bare' ? ivm.Isolate.createSnapshot([{ code: BARE_REALM }]) : lockedSnapshot(sesText());

const results: RunValues[][] = [];
for (const { code, runs } of task.programs) {
  results.push(
    task.isShared ? await inOne(code, runs) : await Promise.all(runs.map((run) => alone(code, run))),
  );
}
process.stdout.write(JSON.stringify(results));

function setupOf(code: string): MapSetup {
  return {
    mode: 'map',
    code,
    params: task.params,
    fuel: task.fuel,
    columns: [
      { name: 'id', kind: 'number' },
      { name: 'v', kind: 'number' },
      { name: 't', kind: 'text' },
    ],
    outputs: [{ name: 'out', width: 1 }],
    keys: [],
  };
}

async function alone(code: string, run: readonly IsolateRow[]): Promise<RunValues> {
  return (await inOne(code, [run]))[0]!;
}

/** Runs one after the other in one isolate. */
async function inOne(code: string, runs: readonly (readonly IsolateRow[])[]): Promise<RunValues[]> {
  const setup = setupOf(code);
  const isolate = await makeIsolate({
    snapshot,
    code,
    driver: mapDriver(setup),
    params: JSON.stringify(setup.params),
  }).catch(() => null);
  if (isolate === null) return runs.map(() => 'died');
  const values: RunValues[] = [];
  for (const run of runs) {
    const bytes = bytesOf(run);
    const result = await isolate.run(bytes.args, RUN_MS).catch(() => null);
    values.push(
      result === null
        ? 'died'
        : [...new Float64Array(result)].map((value) => (value === value ? value : null)),
    );
  }
  isolate.dispose();
  return values;
}

/** Records in the order given, with the arguments of the driver. */
function bytesOf(run: readonly IsolateRow[]): { readonly args: [number, string, number, ArrayBuffer] } {
  const dictionary = [...new Set(run.map(({ t }) => t))];
  const columns: RecordColumn[] = [
    { kind: 'number', values: Float64Array.from(run, ({ id }) => id) },
    { kind: 'number', values: Float64Array.from(run, ({ v }) => v) },
    { kind: 'text', codes: Int32Array.from(run, ({ t }) => dictionary.indexOf(t)), dictionary },
  ];
  const records = encodeRecords({ rows: run.length, columns });
  const order = Buffer.from(Uint16Array.from(run.keys()).buffer);
  const head = Buffer.concat([order, Buffer.alloc(-order.length & 7)]);
  const { header, columnsAt } = headerOf(records);
  const bytes = Uint8Array.from(Buffer.concat([head, records])).buffer;
  return { args: [0, header, head.length + columnsAt, bytes] };
}
