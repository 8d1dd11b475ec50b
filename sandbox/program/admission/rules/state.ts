/** Rule `state`: nothing that belongs to the module changes. */
import type { Report, Subject, TreeRule } from '../finding.ts';
import { type Node, propertyName, walk } from '../parse.ts';
import type { Binding } from '../scope.ts';
import { entryOf } from './module-level.ts';

/** Methods that change what they are called on, by how the constant is written. */
const CHANGING: Readonly<Record<string, readonly string[]>> = {
  ArrayExpression: ['push', 'pop', 'shift', 'unshift', 'splice', 'sort', 'reverse', 'fill', 'copyWithin'],
  Set: ['add', 'delete', 'clear'],
  Map: ['set', 'delete', 'clear'],
};

export const stateRule: TreeRule = {
  id: 'state',
  because:
    'A value that one record leaves for the next would let one person’s data change the answer about others. Module-level values are frozen, and a write to one is refused here, where it can be explained, and not found out by every record failing.',
  modes: ['map'],
  accepts: [
    'const W = [3, 1, 2]; export function map(row) { const s = [...W].sort(); s.push(row.x); let n = 0; n += 1; return s.length + n; }',
    'export function map(row) { const seen = new Set(); seen.add(row.x); row.y = 1; for (const m of "a1".matchAll(/[a-z]/g)) row.y += m[0].length; return seen.size; }',
  ],
  refuses: [
    ['let n = 0; export function map(row) { n += row.x; return n; }', 'rule.state.binding'],
    ['let n = 0; export function map(row) { return n++; }', 'rule.state.binding'],
    ['function f() { } export function map(row) { [f] = [row]; return 1; }', 'rule.state.binding'],
    ['function f() { } export function map(row) { for (f of [row]) { } return 1; }', 'rule.state.binding'],
    ['class A { } export function map(row) { ({ a: A } = row); return 1; }', 'rule.state.binding'],
    [
      'const cache = {}; export function map(row) { return (cache[row.x] ??= row.x * 2); }',
      'rule.state.frozen',
    ],
    ['const o = { a: { n: 0 } }; export function map(row) { o.a.n++; return o.a.n; }', 'rule.state.frozen'],
    ['function f() { } export function map(row) { f.n = row.x; delete f.n; return 1; }', 'rule.state.frozen'],
    ['export function map(row, params) { params.n = row.x; return params.n; }', 'rule.state.frozen'],
    [
      'const seen = []; export function map(row) { seen.push(row.x); return seen.length; }',
      'rule.state.method',
    ],
    [
      'const m = new Map(); export function map(row) { m.set(row.x, 1); return m.size; }',
      'rule.state.method',
    ],
    ['const s = new Set([]); export function map(row) { s.add(row.x); return s.size; }', 'rule.state.method'],
    ['const re = /a/g; export function map(row) { return re.test(row.x) ? 1 : 0; }', 'rule.state.regex'],
    [
      'const o = { re: /a/y }; export function map(row) { return o.re.test(row.x) ? 1 : 0; }',
      'rule.state.regex',
    ],
  ],
  check: (subject, report) => {
    for (const { kind, scope, references } of subject.scopes.bindings) {
      if (scope.kind !== 'module') continue;
      for (const { at, isWrite } of references) {
        if (isWrite || kind === 'own') report(at, 'rule.state.binding', { name: at.name });
      }
    }
    walk(subject.tree, (node, around) => {
      for (const target of targetsOf(node)) checkTarget(target, subject, report);
      if (node.type === 'CallExpression') checkMethod(node.callee, subject, report);
      const isShared = !around.some(({ type }) => /Function|ClassDeclaration/.test(type));
      if (isShared && node.type === 'Literal' && 'regex' in node && node.regex) {
        const flag = /[gy]/.exec(node.regex.flags)?.[0];
        if (flag !== undefined) report(node, 'rule.state.regex', { flag });
      }
    });
  },
};

/** The members that a node gives a new value or removes. */
function targetsOf(node: Node): Node[] {
  switch (node.type) {
    case 'AssignmentExpression':
      return membersOf(node.left);
    case 'ForInStatement':
    case 'ForOfStatement':
      return membersOf(node.left);
    case 'UpdateExpression':
      return membersOf(node.argument);
    case 'UnaryExpression':
      return node.operator === 'delete' ? membersOf(node.argument) : [];
    default:
      return [];
  }
}

function membersOf(target: Node): Node[] {
  switch (target.type) {
    case 'MemberExpression':
      return [target];
    case 'ChainExpression':
      return membersOf(target.expression);
    case 'ArrayPattern':
      return target.elements.flatMap((element) => (element ? membersOf(element) : []));
    case 'ObjectPattern':
      return target.properties.flatMap((property) =>
        membersOf(property.type === 'RestElement' ? property : property.value),
      );
    case 'AssignmentPattern':
      return membersOf(target.left);
    case 'RestElement':
      return membersOf(target.argument);
    default:
      return [];
  }
}

function checkTarget(target: Node, subject: Subject, report: Report): void {
  const root = rootOf(target);
  const binding = root && subject.scopes.bindingOf(root);
  if (!binding || !isShared(binding, subject)) return;
  report(target, 'rule.state.frozen', { name: binding.name });
}

/** Whether all records see the same value: the module's own, and the parameters of the job. */
function isShared(binding: Binding, { tree }: Subject): boolean {
  if (binding.scope.kind === 'module') return true;
  const entry = entryOf(tree, 'map');
  return binding.by === entry && entry !== null && 'params' in entry && entry.params[1] === binding.at;
}

function rootOf(node: Node): Node | null {
  if (node.type === 'Identifier') return node;
  if (node.type === 'ChainExpression') return rootOf(node.expression);
  return node.type === 'MemberExpression' ? rootOf(node.object) : null;
}

function checkMethod(callee: Node, { scopes }: Subject, report: Report): void {
  const method = callee.type === 'MemberExpression' ? propertyName(callee) : null;
  if (callee.type !== 'MemberExpression' || method === null) return;
  const binding = scopes.bindingOf(callee.object);
  if (binding?.scope.kind !== 'module' || binding.by.type !== 'VariableDeclarator') return;
  const value = binding.by.init;
  const form =
    value?.type === 'NewExpression' && value.callee.type === 'Identifier' ? value.callee.name : value?.type;
  if (form !== undefined && Object.hasOwn(CHANGING, form) && CHANGING[form]?.includes(method)) {
    report(callee, 'rule.state.method', { method, name: binding.name });
  }
}
