/**
 * Rule `parameter`: parameters that are patterns or have defaults share no name with the body.
 *
 * The printer moves such parameters into the body, behind the fuel of the call; then the two scopes are one.
 */
import type { TreeRule } from '../finding.ts';
import type { Scope } from '../scope.ts';

export const parameterRule: TreeRule = {
  id: 'parameter',
  because:
    'A default value is code, which must pay its fuel first. It is therefore evaluated in the body, where a name may mean only one thing.',
  modes: ['map'],
  accepts: [
    'const a = 1; function f({ x = 1, y: [z] = [2] } = {}, b = a + x) { const c = b; return c + z; } export function map(row) { return f(row); }',
    'export function map(row, params) { var row = row; return row.x; }',
  ],
  refuses: [
    [
      'function f(a = 1) { var a; return a; } export function map(row) { return f(row.x); }',
      'rule.parameter',
    ],
    [
      'const x = 1; function f(a = () => x) { const x = 2; return a() + x; } export function map(row) { return f(); }',
      'rule.parameter',
    ],
  ],
  check: ({ scopes }, report) => {
    const byName = Map.groupBy(
      [...scopes.bindings.flatMap(({ references }) => references), ...scopes.free],
      ({ at }) => at.name,
    );
    for (const [parameters, body] of scopes.parameterScopes) {
      for (const binding of body.bindings.values()) {
        const isUsed = byName.get(binding.name)?.some(({ scope }) => isWithin(scope, parameters, body));
        if (isUsed || parameters.bindings.has(binding.name)) {
          report(binding.at, 'rule.parameter', { name: binding.name });
        }
      }
    }
  },
};

/** Whether a scope is that of the parameters, or in one of their defaults. */
function isWithin(scope: Scope, parameters: Scope, body: Scope): boolean {
  for (let outer: Scope | null = scope; outer !== null && outer !== body; outer = outer.within) {
    if (outer === parameters) return true;
  }
  return false;
}
