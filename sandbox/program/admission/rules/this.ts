/** Rule `this`: only where it is the object of a method. */
import type { TreeRule } from '../finding.ts';
import { type Node, walk } from '../parse.ts';

export const thisRule: TreeRule = {
  id: 'this',
  because: 'Outside of methods `this` is whatever the caller says, which a reviewer cannot see.',
  modes: ['map'],
  accepts: [
    'class A { n = 1; twice() { return [1].map(() => this.n * 2)[0]; } } export function map(row) { return new A().twice(); }',
    'export function map(row) { const o = { n: 1, get() { return this.n; } }; return o.get(); }',
  ],
  refuses: [
    ['export function map(row) { return this === undefined ? 1 : 0; }', 'rule.this'],
    ['const f = () => this; export function map(row) { return 1; }', 'rule.this'],
  ],
  check: ({ tree }, report) => {
    walk(tree, (node, around) => {
      if (node.type === 'ThisExpression' && !isInMethod(around)) report(node, 'rule.this');
    });
  },
};

/** Arrow functions have the `this` of what is around them. */
function isInMethod(around: readonly Node[]): boolean {
  const index = around.findLastIndex(
    ({ type }) =>
      type === 'FunctionDeclaration' || type === 'FunctionExpression' || type === 'PropertyDefinition',
  );
  const [owner, parent] = [around[index], around[index - 1]];
  if (owner?.type === 'PropertyDefinition') return true;
  if (owner?.type !== 'FunctionExpression') return false;
  if (parent?.type === 'MethodDefinition') return true;
  return parent?.type === 'Property' && (parent.method || parent.kind !== 'init') && parent.value === owner;
}
