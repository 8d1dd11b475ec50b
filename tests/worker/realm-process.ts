/**
 * Isolates looked at in a Node of their own, with the walls that the argument names; prints one line of JSON.
 *
 * `locked`: as workers make them. `unfrozen`: the last step of the realm is left out. `bare`: a context as it comes.
 * `escapes FILE`: the attacks of a corpus, each in three isolates: a locked one by the driver, a bare one, and a bare
 * one with objects of the host in it; prints for each the ids of those that got what they wanted.
 */
import { readFileSync } from 'node:fs';
import ivm from 'isolated-vm';
import { CANARIES, canaryProgram } from '#sandbox/worker/canaries.ts';
import { inspectIsolates } from '#sandbox/worker/inspection.ts';
import { mapDriver } from '#sandbox/worker/driver.ts';
import { lockedSnapshot, makeIsolate } from '#sandbox/worker/isolate.ts';
import { headerOf } from '#sandbox/worker/protocol.ts';
import { encodeRecords } from '#sandbox/worker/records.ts';
import { lockedScripts } from '#sandbox/worker/realm.ts';
import { sesText } from '#sandbox/worker/ses-text.ts';
import { WALK_SCRIPT, type WalkReport } from '#sandbox/worker/walk.ts';
import { mapSetup } from './worker-setup.ts';

export interface RealmReport {
  readonly walk: WalkReport;
  readonly got: readonly string[];
}

const ses = sesText();

interface Escape {
  readonly id: string;
  /** Body of `map(row, params)`, called with `row.step` 0 and then 1; true is what it wanted. */
  readonly code: string;
  /** What stands at the level of the module. */
  readonly before?: string;
}

export interface EscapeReport {
  readonly locked: readonly string[];
  readonly bare: readonly string[];
  readonly host: readonly string[];
}

const STEPS = [0, 1];
const PARAMS = { list: [1] };

function escapeModule({ code, before }: Escape): string {
  return `export function $begin() {}
export function $spent() { return false; }
${before ?? ''}
function attempt(row, params) { ${code} }
export function map(row, params) { const got = attempt(row, params); return got === true ? 1 : got; }`;
}

async function escapesLocked(escapes: readonly Escape[]): Promise<readonly string[]> {
  const snapshot = lockedSnapshot(ses);
  const setup = mapSetup('', {
    columns: [{ name: 'step', kind: 'number' }],
    outputs: [{ name: 'got', width: 1 }],
  });
  const records = encodeRecords({
    rows: STEPS.length,
    columns: [{ kind: 'number', values: Float64Array.from(STEPS) }],
  });
  const { header, columnsAt } = headerOf(records);
  const got: string[] = [];
  for (const escape of escapes) {
    const bytes = Uint8Array.from(
      Buffer.concat([Buffer.from(Uint16Array.from([...STEPS, 0, 0]).buffer), records]),
    );
    const isolate = await makeIsolate({
      snapshot,
      code: escapeModule(escape),
      driver: mapDriver(setup),
      params: JSON.stringify(PARAMS),
    }).catch(() => null);
    const result = await isolate?.run([0, header, 8 + columnsAt, bytes.buffer], 5000).catch(() => null);
    if (new Float64Array(result ?? new ArrayBuffer(0)).includes(1)) got.push(escape.id);
    isolate?.dispose();
  }
  return got;
}

async function escapesBare(escapes: readonly Escape[], withHost: boolean): Promise<readonly string[]> {
  const got: string[] = [];
  for (const escape of escapes) {
    const isolate = new ivm.Isolate();
    const context = await isolate.createContext();
    if (withHost) {
      await context.global.set('ivm', ivm);
      await context.global.set('host', new ivm.Reference(globalThis));
      await context.global.set('callback', new ivm.Callback(() => 'host'));
    }
    try {
      const module = await isolate.compileModule(escapeModule(escape));
      await module.instantiate(context, refuse);
      await module.evaluate();
      await context.global.set('program', module.namespace.derefInto());
      for (const step of STEPS) {
        const call = `program.map({ step: ${step} }, ${step === 0 ? `globalThis.params = ${JSON.stringify(PARAMS)}` : 'params'})`;
        const answer: unknown = await context.eval(`try { ${call} } catch { 0 }`).catch(() => null);
        if (answer === 1) got.push(escape.id);
      }
    } finally {
      isolate.dispose();
    }
  }
  return [...new Set(got)];
}

function refuse(): never {
  throw new RangeError('no imports');
}

async function inspectWeak(scripts: readonly string[]): Promise<RealmReport> {
  const isolate = new ivm.Isolate();
  const context = await isolate.createContext();
  for (const script of [WALK_SCRIPT, ...scripts]) {
    await context.eval(script);
  }
  const text: unknown = await context.eval('JSON.stringify($walk())');
  const module = await isolate.compileModule(canaryProgram());
  await module.instantiate(context, refuse);
  await module.evaluate();
  await context.global.set('program', module.namespace.derefInto());
  const got: string[] = [];
  for (const [at, name] of Object.keys(CANARIES).entries()) {
    if ((await context.eval(`program.map({ at: ${at} })`)) === 1) got.push(name);
  }
  return { walk: JSON.parse(String(text)) as WalkReport, got };
}

async function inspectEscapes(path: string): Promise<EscapeReport> {
  const escapes = JSON.parse(readFileSync(path, 'utf8')) as readonly Escape[];
  return {
    locked: await escapesLocked(escapes),
    bare: await escapesBare(escapes, false),
    host: await escapesBare(escapes, true),
  };
}

async function inspectRealm(realm: string | undefined): Promise<RealmReport> {
  if (realm === 'locked') return inspectIsolates(ses);
  return inspectWeak(realm === 'unfrozen' ? lockedScripts(ses).slice(0, -1) : []);
}

const [realm, path] = process.argv.slice(2);
const report = realm === 'escapes' ? await inspectEscapes(path!) : await inspectRealm(realm);
process.stdout.write(JSON.stringify(report));
