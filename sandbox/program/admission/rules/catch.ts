/** Rule `catch`: what may follow an error. */
import type { TreeRule } from '../finding.ts';
import { walk } from '../parse.ts';

export const catchRule: TreeRule = {
  id: 'catch',
  because:
    'A record that used up its fuel, its depth or the stack is over. `finally` runs whatever happened and could return all the same, when even our check of what happened finds no room on the stack.',
  modes: ['map'],
  accepts: [
    'export function map(row) { try { return JSON.parse(row.x).n; } catch (error) { return error.message.length; } }',
    'export function map(row) { try { return BigInt(row.x) > 0n ? 1 : 0; } catch { return -1; } }',
  ],
  refuses: [
    ['export function map(row) { try { return 1; } finally { row.x = 1; } }', 'rule.catch.finally'],
    [
      'export function map(row) { try { return 1; } catch ({ message }) { return 2; } }',
      'rule.catch.pattern',
    ],
  ],
  check: ({ tree }, report) => {
    walk(tree, (node) => {
      if (node.type === 'TryStatement' && node.finalizer) report(node.finalizer, 'rule.catch.finally');
      if (node.type === 'CatchClause' && node.param && node.param.type !== 'Identifier') {
        report(node.param, 'rule.catch.pattern');
      }
    });
  },
};
