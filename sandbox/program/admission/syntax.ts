/**
 * The syntax that a program may use: an allow-list of node types, one row and one reason each. What has no row is refused.
 *
 * Guarantee: after this rule the tree holds only nodes that the printer knows and the other rules have thought of.
 */
import type { Report, Rule, RuleSentence } from './finding.ts';
import { isFunction, type Node, type Reading, walk } from './parse.ts';

/** Node type → why it cannot carry anything from one record to the next. */
export const ALLOWED_SYNTAX = {
  ArrayExpression: 'makes a new array',
  ArrayPattern: 'names parts of a value',
  ArrowFunctionExpression: 'makes a new function; at module level it is frozen',
  AssignmentExpression: 'changes what the record made; the rule `state` refuses the rest',
  AssignmentPattern: 'a default; evaluated after the fuel of the call is paid',
  BinaryExpression: 'computes a value',
  BlockStatement: 'groups statements',
  BreakStatement: 'leaves a loop or switch',
  CallExpression: 'calls a function, which pays its own fuel',
  CatchClause: 'goes on after an error; never after used-up fuel',
  ChainExpression: 'reads a property of what may be absent',
  ClassBody: 'the members of a class',
  ClassDeclaration: 'a class of the module, frozen at once',
  ConditionalExpression: 'chooses a value',
  ContinueStatement: 'begins the next round of a loop',
  DoWhileStatement: 'a loop, which pays for every round',
  EmptyStatement: 'does nothing',
  ExportNamedDeclaration: 'names the entry; nothing else is exported',
  ExportSpecifier: 'names the entry',
  ExpressionStatement: 'evaluates an expression; not at module level',
  ForInStatement: 'a loop, which pays for every round',
  ForOfStatement: 'a loop, which pays for every round',
  ForStatement: 'a loop, which pays for every round',
  FunctionDeclaration: 'a function, which pays for every call',
  FunctionExpression: 'a function, which pays for every call',
  Identifier: 'a name; the rule `name` says which',
  IfStatement: 'chooses statements',
  Literal: 'a value, or a new regular expression',
  LogicalExpression: 'chooses a value',
  MemberExpression: 'reads or names a property; the rule `property` says which not',
  MethodDefinition: 'a method; a constructor',
  NewExpression: 'makes a new object',
  ObjectExpression: 'makes a new object',
  ObjectPattern: 'names parts of a value',
  Program: 'the module',
  Property: 'an entry of an object or pattern',
  PropertyDefinition: 'a field of every object of a class',
  RestElement: 'names the remaining parts of a value',
  ReturnStatement: 'ends a call',
  SequenceExpression: 'evaluates one after the other',
  SpreadElement: 'copies the parts of a value',
  Super: 'the class that is extended, which is frozen',
  SwitchCase: 'a case of a switch',
  SwitchStatement: 'chooses statements',
  TemplateElement: 'text of a template',
  TemplateLiteral: 'makes a text',
  ThisExpression: 'the object of a method',
  ThrowStatement: 'ends the record, unless it is caught',
  TryStatement: 'goes on after an error; never after used-up fuel',
  UnaryExpression: 'computes a value, or deletes what the record made',
  UpdateExpression: 'changes what the record made; the rule `state` refuses the rest',
  VariableDeclaration: 'names a value; at module level a constant',
  VariableDeclarator: 'names a value',
  WhileStatement: 'a loop, which pays for every round',
} as const satisfies Readonly<Partial<Record<Node['type'], string>>>;

export type AllowedType = keyof typeof ALLOWED_SYNTAX;
export type AllowedNode = Extract<Node, { type: AllowedType }>;

/** What is refused with advice of its own; the rest says `rule.syntax.unknown`. */
const REFUSED_SYNTAX: Readonly<Partial<Record<Node['type'], RuleSentence>>> = {
  ImportDeclaration: 'rule.syntax.import',
  ImportExpression: 'rule.syntax.import',
  ExportAllDeclaration: 'rule.syntax.exportFrom',
  ExportDefaultDeclaration: 'rule.module.default',
  MetaProperty: 'rule.syntax.meta',
  AwaitExpression: 'rule.syntax.async',
  YieldExpression: 'rule.syntax.generator',
  LabeledStatement: 'rule.syntax.label',
  TaggedTemplateExpression: 'rule.syntax.tagged',
  PrivateIdentifier: 'rule.syntax.private',
  StaticBlock: 'rule.syntax.staticBlock',
  ClassExpression: 'rule.syntax.classExpression',
  DebuggerStatement: 'rule.syntax.debugger',
};

const ENTRY = { entry: 'map', args: 'row, params' };
const MAP = 'export function map(row) { return row.x; }';

export const syntaxRule: Rule & { readonly check: (reading: Reading, report: Report) => void } = {
  id: 'syntax',
  because:
    'Only syntax whose every effect is known is accepted, so that what is new in the language, or was overlooked, is refused and not let by.',
  modes: ['map'],
  accepts: [
    MAP,
    'export const map = ({ x = 1, ...rest }) => { for (const k in rest) if (k) x += rest[k] ?? 0; return x; };',
  ],
  refuses: [
    [`import fs from 'node:fs'; ${MAP}`, 'rule.syntax.import'],
    [`export function map(row) { import('node:fs'); return 1; }`, 'rule.syntax.import'],
    [`export * from './a.js'; ${MAP}`, 'rule.syntax.exportFrom'],
    [`export { map } from './a.js';`, 'rule.syntax.exportFrom'],
    ['export function map(row) { import.meta.n = 1; return 1; }', 'rule.syntax.meta'],
    ['export async function map(row) { return 1; }', 'rule.syntax.async'],
    [
      'function* g() { yield 1; } const it = 1; export function map(row) { return 1; }',
      'rule.syntax.generator',
    ],
    ['export function map(row) { outer: for (;;) { break outer; } return 1; }', 'rule.syntax.label'],
    ['const tag = (s) => s.raw; export function map(row) { return tag`a`.length; }', 'rule.syntax.tagged'],
    ['class A { #n = 1; } export function map(row) { return 1; }', 'rule.syntax.private'],
    ['class A { static { } } export function map(row) { return 1; }', 'rule.syntax.staticBlock'],
    ['export function map(row) { const A = class { }; return 1; }', 'rule.syntax.classExpression'],
    ['export function map(row) { debugger; return 1; }', 'rule.syntax.debugger'],
    ['export default function map(row) { return 1; }', 'rule.module.default'],
  ],
  check: ({ tree }, report) => {
    walk(tree, (node, around) => {
      // What is refused is not looked into.
      if (!around.every(isAllowed)) return;
      if (!isAllowed(node)) {
        const sentence = REFUSED_SYNTAX[node.type] ?? 'rule.syntax.unknown';
        report(node, sentence, sentence === 'rule.syntax.unknown' ? { node: node.type } : ENTRY);
      }
      if (isFunction(node) && node.async) report(node, 'rule.syntax.async');
      if (isFunction(node) && node.generator) report(node, 'rule.syntax.generator');
      if (node.type === 'ForOfStatement' && node.await) report(node, 'rule.syntax.async');
      if (node.type === 'ExportNamedDeclaration' && node.source)
        report(node, 'rule.syntax.exportFrom', ENTRY);
      if (node.type === 'VariableDeclaration' && !['const', 'let', 'var'].includes(node.kind)) {
        report(node, 'rule.syntax.unknown', { node: node.kind });
      }
    });
  },
};

export function isAllowed(node: Node): node is AllowedNode {
  return Object.hasOwn(ALLOWED_SYNTAX, node.type);
}
