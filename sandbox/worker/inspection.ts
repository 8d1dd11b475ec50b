/**
 * The worker's own look at its isolates, inside the jail: the walk over all reachable objects, and the canaries.
 *
 * Guarantee: the isolates looked at are made by the functions that a buyer's program is run with; only the walk, which
 * looks with what the realm takes away, is put in beforehand.
 */
import { CANARIES, canaryProgram } from './canaries.ts';
import { mapDriver } from './driver.ts';
import { lockedSnapshot, makeIsolate } from './isolate.ts';
import { headerOf, type MapSetup } from './protocol.ts';
import { encodeRecords } from './records.ts';
import { WALK_SCRIPT, type WalkReport } from './walk.ts';

export interface WorkerInspection {
  readonly walk: WalkReport;
  /** Names of the canaries that got through. */
  readonly got: readonly string[];
  /** Whether this process can compile to machine code, as WebAssembly shows. */
  readonly hasCompiler: boolean;
}

const INSPECTION_MS = 20_000;

export async function inspectIsolates(sesText: string): Promise<WorkerInspection> {
  const hasCompiler = typeof (globalThis as Record<string, unknown>)['WebAssembly'] !== 'undefined';
  return { walk: await walkRealm(sesText), got: await tryCanaries(sesText), hasCompiler };
}

/** The walk's report comes out as the codes of its characters, since bytes are all that comes out. */
async function walkRealm(sesText: string): Promise<WalkReport> {
  const snapshot = lockedSnapshot(sesText, [WALK_SCRIPT]);
  const driver = `() => {
    const walk = $walk, Codes = Uint16Array, print = JSON.stringify;
    return () => () => {
      const text = print(walk());
      return Codes.from({ length: text.length }, (_, at) => text.charCodeAt(at)).buffer;
    };
  }`;
  const isolate = await makeIsolate({ snapshot, code: '', driver, params: '{}' });
  try {
    const codes = await isolate.run([], INSPECTION_MS);
    if (codes === null) throw new RangeError('the walk answers');
    return JSON.parse(Buffer.from(codes).toString('utf16le')) as WalkReport;
  } finally {
    isolate.dispose();
  }
}

async function tryCanaries(sesText: string): Promise<readonly string[]> {
  const names = Object.keys(CANARIES);
  const setup: MapSetup = {
    mode: 'map',
    code: canaryProgram(),
    params: {},
    fuel: 1,
    columns: [{ name: 'at', kind: 'number' }],
    outputs: [{ name: 'got', width: 1 }],
    keys: [],
  };
  const isolate = await makeIsolate({
    snapshot: lockedSnapshot(sesText),
    code: setup.code,
    driver: mapDriver(setup),
    params: '{}',
  });
  try {
    const values = Float64Array.from(names.keys());
    const records = encodeRecords({ rows: names.length, columns: [{ kind: 'number', values }] });
    const order = Buffer.from(Uint16Array.from(names.keys()).buffer);
    const head = Buffer.concat([order, Buffer.alloc(-order.length & 7)]);
    const { header, columnsAt } = headerOf(records);
    const bytes = Uint8Array.from(Buffer.concat([head, records])).buffer;
    const answers = await isolate.run([0, header, head.length + columnsAt, bytes], INSPECTION_MS);
    const got = new Float64Array(answers ?? new ArrayBuffer(0));
    return names.filter((_, at) => got[at] !== 0);
  } finally {
    isolate.dispose();
  }
}
