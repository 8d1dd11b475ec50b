/** Rule `clock`: no present time and no chance. */
import type { TreeRule } from '../finding.ts';
import { type Node, propertyName, walk } from '../parse.ts';

export const clockRule: TreeRule = {
  id: 'clock',
  because:
    'A clock measures what other records did, and chance makes an answer that nobody can repeat. Both fail where programs run; a date of reference belongs in the parameters, where it is part of what was approved.',
  modes: ['map'],
  accepts: [
    'export function map(row, params) { return (new Date(params.today) - new Date(row.born)) / 31557600000; }',
    'export function map(row) { return Date.UTC(2024, 0, 1) + Date.parse(row.day); }',
  ],
  refuses: [
    ['export function map(row) { return Date.now(); }', 'rule.clock'],
    ['export function map(row) { return new Date().getTime(); }', 'rule.clock'],
    ['export function map(row) { return Date().length; }', 'rule.clock'],
    ['export function map(row) { return Math.random(); }', 'rule.clock'],
  ],
  check: ({ tree, scopes }, report) => {
    const isDate = (node: Node): boolean =>
      node.type === 'Identifier' && node.name === 'Date' && scopes.bindingOf(node) === null;
    walk(tree, (node) => {
      if (node.type === 'CallExpression' && isDate(node.callee))
        report(node, 'rule.clock', { name: 'Date()' });
      if (node.type === 'NewExpression' && isDate(node.callee) && node.arguments.length === 0) {
        report(node, 'rule.clock', { name: 'new Date()' });
      }
      if (node.type !== 'MemberExpression' || node.object.type !== 'Identifier') return;
      const name = `${node.object.name}.${propertyName(node)}`;
      if (name === 'Date.now' || name === 'Math.random') report(node, 'rule.clock', { name });
    });
  },
};
