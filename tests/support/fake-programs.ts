/**
 * A program engine for tests of everything around programs: a manifest of the fake says in SQL what its program does.
 *
 * It reads, admits, compiles and measures through the same seams as the real one, so that reviews, grants, ledgers,
 * receipts and stops are tested without an isolate. A program that has `let` at its beginning is not admitted, and one
 * whose module says `stall` never ends by itself.
 */
import { measure } from '#sandbox/execute.ts';
import { type ProgramManifest, programDigestOf } from '#sandbox/program/program.ts';
import { compileQuery } from '#sandbox/query/compile.ts';
import type { ProgramEngine } from '#gateway/runner/program-engine.ts';
import { Failure } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';

interface FakeSource {
  readonly kind: 'Program';
  readonly name: string;
  readonly mode: 'map';
  readonly inputs: Readonly<Record<string, readonly string[]>>;
  /** With `{age}` for the parameter. */
  readonly sql: string;
}

export const MODULE = 'export const map = (row, params) => row.age > params.age ? row.cost : 0;\n';

/** A manifest of the fake. */
export function fakeManifest(changes: Partial<FakeSource> = {}): FakeSource {
  return {
    kind: 'Program',
    name: 'dear-visits',
    mode: 'map',
    inputs: { visits: ['age', 'cost'] },
    sql: 'SELECT SUM(cost) AS spend FROM visits WHERE age > {age}',
    ...changes,
  };
}

/** The digest of a program of the fake. */
export function fakeDigest(module = MODULE, manifest: object = fakeManifest()): string {
  return programDigestOf(module, manifest);
}

/** Ends when it is called off, and never by itself. */
function stalled(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const stop = (): void => reject(new Failure('MACHINE_FAULT', say('source.fault')));
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}

export const FAKE_PROGRAMS: ProgramEngine = {
  versions: { fake: '1' },
  readManifest: (written, file) => {
    const source = written as FakeSource;
    if (source.kind !== 'Program' || typeof source.sql !== 'string')
      throw new Failure('CONFIG', say('cli.notJson', { file }));
    return manifestOf(source);
  },
  admit: (module) => {
    const bad = module.startsWith('let ');
    const sentence = say('cli.notJson', { file: 'prog.js' });
    const finding = { rule: 'module-state', line: 1, column: 1, sentence, severity: 'error' } as const;
    return { admitted: !bad, findings: bad ? [finding] : [], code: bad ? null : module };
  },
  compile: ({ program, params, ...rest }, catalogue) => {
    const { sql } = program.manifest.source as FakeSource;
    return compileQuery(
      { ...rest, sql: sql.replace('{age}', JSON.stringify(params?.['age'] ?? 0)) },
      catalogue,
    );
  },
  measure: async ({ program, compiled, source, seed, random, signal }) => {
    if (program.module.includes('stall')) await stalled(signal);
    const { plan, dataset } = compiled;
    const made = await source.use((engine) => measure(plan, dataset, engine, { seed, random }), signal);
    return { ...made, layers: source.layers, profile: 'strict' };
  },
};

function manifestOf(source: FakeSource): ProgramManifest {
  return {
    kind: 'Program',
    name: source.name,
    title: null,
    mode: source.mode,
    inputs: Object.entries(source.inputs).map(([dataset, columns]) => ({
      dataset,
      columns: columns.map((column) => ({ name: column, column })),
    })),
    params: [{ name: 'age', type: 'number', default: 0 }],
    outputs: [],
    fuel: 1_000,
    blocks: null,
    defaults: {},
    source,
  };
}
