/**
 * Isolates looked at in a Node of their own, with the walls that the argument names; prints one line of JSON.
 *
 * `locked`: as workers make them. `unfrozen`: the last step of the realm is left out. `bare`: a context as it comes.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import ivm from 'isolated-vm';
import { CANARIES, canaryProgram } from '#sandbox/worker/canaries.ts';
import { inspectIsolates } from '#sandbox/worker/inspection.ts';
import { lockedScripts } from '#sandbox/worker/realm.ts';
import { makeWalk, type WalkReport } from '#sandbox/worker/walk.ts';

export interface RealmReport {
  readonly walk: WalkReport;
  readonly got: readonly string[];
}

const ses = readFileSync(
  join(dirname(createRequire(import.meta.url).resolve('ses')), 'ses.umd.min.js'),
  'utf8',
);

async function inspectWeak(scripts: readonly string[]): Promise<RealmReport> {
  const isolate = new ivm.Isolate();
  const context = await isolate.createContext();
  for (const script of [`globalThis.$walk = (${makeWalk.toString()})();`, ...scripts]) {
    await context.eval(script);
  }
  const text: unknown = await context.eval('JSON.stringify($walk())');
  const module = await isolate.compileModule(canaryProgram());
  await module.instantiate(context, () => {
    throw new RangeError('no imports');
  });
  await module.evaluate();
  await context.global.set('program', module.namespace.derefInto());
  const got: string[] = [];
  for (const [at, name] of Object.keys(CANARIES).entries()) {
    if ((await context.eval(`program.map({ at: ${at} })`)) === 1) got.push(name);
  }
  return { walk: JSON.parse(String(text)) as WalkReport, got };
}

const [realm] = process.argv.slice(2);
const report: RealmReport =
  realm === 'locked'
    ? await inspectIsolates(ses)
    : await inspectWeak(realm === 'unfrozen' ? lockedScripts(ses).slice(0, -1) : []);
process.stdout.write(JSON.stringify(report));
