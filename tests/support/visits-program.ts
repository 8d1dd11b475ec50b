/** A program for tests of everything around programs: what visits of patients above an age cost, for the table `visits`. */
import { programDigestOf } from '#sandbox/program/program.ts';

export const MODULE = 'export const map = (row, params) => (row.age > params.age ? row.cost : 0);\n';

/** The same with a counter, which admission refuses at its third line. */
export const STATEFUL_MODULE = `let seen = 0;
export function map(row) {
  seen += 1;
  return seen;
}
`;

/** Its manifest as a file says it, with other fields in place of some. */
export function visitsManifest(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    kind: 'Program',
    name: 'dear-visits',
    mode: 'map',
    inputs: { visits: ['age', 'cost'] },
    params: { age: { type: 'number', default: 0 } },
    outputs: { spend: { kind: 'sum', bounds: [0, 5_000] } },
    ...changes,
  };
}

/** The digest of a module with a manifest. */
export function visitsDigest(module = MODULE, manifest: object = visitsManifest()): string {
  return programDigestOf(module, manifest);
}
