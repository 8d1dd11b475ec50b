/** Rule `class`: classes of the module, which are frozen right after their body. */
import type { Report, TreeRule } from '../finding.ts';
import { type Node, walk } from '../parse.ts';
import type { Scopes } from '../scope.ts';

const MAP = 'export function map(row) { return row.x; }';

export const classRule: TreeRule = {
  id: 'class',
  because:
    'A class is an object that all records share: static fields would be its state, code in its body would run before it is frozen, and fields that call functions would run before the call has paid its fuel.',
  modes: ['map'],
  accepts: [
    `class Point { x = 0; constructor(x) { this.x = x; } get twice() { return this.x * 2; } static of(x) { return new Point(x); } } class Far extends Point { twiceMore() { return super.twice + this.x; } } export function map(row) { return new Far(row.x).twiceMore() + Point.of(1).x; }`,
  ],
  refuses: [
    ['export function map(row) { class A { } return new A() ? 1 : 0; }', 'rule.class.nested'],
    [`const base = [1]; class A extends base[0] { } ${MAP}`, 'rule.class.extends'],
    [`class A extends Error { } ${MAP}`, 'rule.class.extends'],
    [`class A extends B { } class B { } ${MAP}`, 'rule.class.extends'],
    [`class A { static n = 0; } ${MAP}`, 'rule.class.static'],
    [`class A { static get n() { return 1; } } ${MAP}`, 'rule.class.static'],
    [`class A { ['a' + 'b']() { return 1; } } ${MAP}`, 'rule.class.key'],
    [`class A { b = new A(); } ${MAP}`, 'rule.class.field'],
  ],
  check: ({ tree, scopes }, report) => {
    walk(tree, (node, around) => {
      if (node.type !== 'ClassDeclaration') return;
      const parent = around.at(-1)?.type;
      if (parent !== 'Program' && parent !== 'ExportNamedDeclaration') {
        report(node, 'rule.class.nested', { name: node.id?.name ?? '' });
      }
      if (node.superClass && !isEarlierClass(node.superClass, scopes)) {
        report(node.superClass, 'rule.class.extends');
      }
      for (const member of node.body.body) checkMember(member, report);
    });
  },
};

function isEarlierClass(node: Node, scopes: Scopes): boolean {
  const binding = scopes.bindingOf(node);
  return binding?.kind === 'class' && binding.scope.kind === 'module' && binding.at.start < node.start;
}

function checkMember(member: Node, report: Report): void {
  if (member.type !== 'MethodDefinition' && member.type !== 'PropertyDefinition') return;
  if (member.computed) report(member, 'rule.class.key');
  const isPlainMethod = member.type === 'MethodDefinition' && member.kind === 'method';
  if (member.static && !isPlainMethod) report(member, 'rule.class.static');
  if (member.type === 'PropertyDefinition' && member.value && callsNow(member.value)) {
    report(member, 'rule.class.field');
  }
}

/** Whether evaluating an expression calls something in so many words; functions in it are not called yet. */
function callsNow(value: Node): boolean {
  let found = false;
  walk(value, (node, around) => {
    const isCall = node.type === 'CallExpression' || node.type === 'NewExpression';
    if (isCall && !around.some(({ type }) => /Function/.test(type))) found = true;
  });
  return found;
}
