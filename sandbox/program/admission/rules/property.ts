/**
 * Rule `property`: names of properties that a program does not write.
 *
 * A second lock only: a name can also be computed, and where the program runs those properties lead to frozen things.
 */
import { isRefusedProperty } from '../../reserved-names.ts';
import type { TreeRule } from '../finding.ts';
import { propertyName, walk } from '../parse.ts';

export const propertyRule: TreeRule = {
  id: 'property',
  because:
    'Constructors, prototypes, stacks and callers lead from a record’s own values to what all records share. Those are frozen where programs run; a program that names them is refused all the same.',
  modes: ['map'],
  accepts: [
    'class A { constructor(x) { this.x = x; } } export function map(row) { return new A(row.x).x; }',
    'export function map(row) { const { region: { length = 0 } = "" } = row; return length; }',
  ],
  refuses: [
    ['export function map(row) { return row.constructor.constructor("return 1")(); }', 'rule.property'],
    ['export function map(row) { return row["__proto__"] === null ? 1 : 0; }', 'rule.property'],
    ['export function map(row) { const { constructor: C } = row; return C.length; }', 'rule.property'],
    ['export function map(row) { const o = { __proto__: row }; return o.x; }', 'rule.property'],
    [
      'export function map(row) { try { row.x(); } catch (e) { return e.stack.length; } return 0; }',
      'rule.property',
    ],
    ['const re = /a/; export function map(row) { re.compile("b"); return 1; }', 'rule.property'],
  ],
  check: ({ tree }, report) => {
    walk(tree, (node) => {
      const name = propertyName(node);
      if (name === null || !isRefusedProperty(name)) return;
      const isConstructor = node.type === 'MethodDefinition' && node.kind === 'constructor';
      if (!isConstructor) report(node, 'rule.property', { name });
    });
  },
};
