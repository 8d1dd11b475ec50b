/**
 * Rule `initialiser`: the values of module-level constants.
 *
 * Guarantee: evaluating them runs no code of the program but `toString` and `valueOf` of values that are already frozen,
 * and gives only values that freezing makes unchangeable: no object with a hidden place that freezing does not reach.
 */
import type { TreeRule, Report } from '../finding.ts';
import { type Node, propertyName } from '../parse.ts';
import type { Binding, Scopes } from '../scope.ts';
import { innerOf } from './module-level.ts';

/** Calls that may be made at module level: one row, one reason. Arguments are values that may stand there themselves. */
const INERT_CALLS: Readonly<Record<string, string>> = {
  'Object.freeze': 'freezes what is frozen anyway',
  'Object.keys': 'makes an array of texts',
  'Object.values': 'makes an array of constants',
  'Object.entries': 'makes an array of pairs of constants',
  'Object.fromEntries': 'makes an object of constants',
  ...Object.fromEntries(
    ['abs', 'cbrt', 'ceil', 'cos', 'exp', 'floor', 'hypot', 'log', 'log10', 'log2', 'max', 'min', 'pow']
      .concat(['round', 'sign', 'sin', 'sqrt', 'tan', 'tanh', 'trunc', 'atan', 'atan2', 'asin', 'acos'])
      .map((name) => [`Math.${name}`, 'a function of numbers']),
  ),
};
const VIEWED = ['Set', 'Map'];
/** Built-in objects whose properties are constants and functions that keep nothing. */
const READABLE = ['Math', 'Number'];

const MAP = 'export function map(row) { return row.x; }';

export const initialiserRule: TreeRule = {
  id: 'initialiser',
  because:
    'A module-level value is frozen as soon as it exists. Freezing does not reach inside dates, functions made by a call, iterators and the like, so those may not exist there.',
  modes: ['map'],
  accepts: [
    `const A = [1, -2, 'x', \`y\${1 + 1}\`]; const B = { a: A[0], 'b c': { d: A }, f: (x) => x, g(x) { return x; } }; const C = [...A, B.a]; const D = { ...B }; ${MAP}`,
    `const E = Math.PI / 180, F = Math.log(2), G = A.length; ${MAP}`.replace(
      'const E',
      'const A = [1]; const E',
    ),
    `const S = new Set(['a', 'b']); const T = { k: 1 }; const M = new Map(Object.entries(T)); const W = 'a,b'.split(','); ${MAP}`,
    `const re = /^[a-z]+$/i; const N = null, U = undefined; const H = Object.freeze([1]); ${MAP}`,
  ],
  refuses: [
    [
      `const make = () => { let n = 0; return () => n++; }; const f = make(); ${MAP}`,
      'rule.initialiser.call',
    ],
    [`const it = [1].values(); ${MAP}`, 'rule.initialiser.call'],
    [`const f = (() => { let n = 0; return () => n++; })(); ${MAP}`, 'rule.initialiser.call'],
    [`const d = new Date(0); ${MAP}`, 'rule.initialiser.new'],
    [`const e = Object.freeze(new Error()); ${MAP}`, 'rule.initialiser.new'],
    [`const p = Date.prototype; ${MAP}`, 'rule.initialiser.member'],
    [`const o = { get n() { return 1; } }; ${MAP}`, 'rule.initialiser.object'],
    [`const o = { ['a' + 'b']: 1 }; ${MAP}`, 'rule.initialiser.object'],
    [`const a = [1, , 2]; ${MAP}`, 'rule.initialiser.hole'],
    [`const o = { ...{ a: 1 } }; ${MAP}`, 'rule.initialiser.spread'],
    [`const t = \`\${{ toString() { return 'x'; } }}\`; ${MAP}`, 'rule.initialiser.operand'],
    [`const t = \`\${Object.freeze({ toString() { return 'x'; } })}\`; ${MAP}`, 'rule.initialiser.operand'],
    [`const n = Math.abs({ valueOf() { return 1; } }); ${MAP}`, 'rule.initialiser.operand'],
    [
      `const o = Object.fromEntries([[{ toString() { return 'a'; } }, 1]]); ${MAP}`,
      'rule.initialiser.operand',
    ],
    [`const A = B; const B = 1; ${MAP}`, 'rule.initialiser.later'],
    [`const A = (1, 2); ${MAP}`, 'rule.initialiser.other'],
    [`let a = 1; const B = [a = 2]; ${MAP}`, 'rule.initialiser.other'],
  ],
  check: ({ tree, scopes }, report) => {
    for (const statement of tree.body) {
      const inner = innerOf(statement);
      if (inner?.type !== 'VariableDeclaration') continue;
      for (const { init } of inner.declarations) if (init) checkValue(init, { scopes, report });
    }
  },
};

interface Context {
  readonly scopes: Scopes;
  readonly report: Report;
}

function checkValue(node: Node, context: Context): void {
  const { report } = context;
  switch (node.type) {
    case 'Literal':
    case 'ArrowFunctionExpression':
    case 'FunctionExpression':
      return;
    case 'Identifier':
      return checkName(node, context);
    case 'ArrayExpression':
      for (const element of node.elements) {
        if (element === null) report(node, 'rule.initialiser.hole');
        else checkEntry(element, context);
      }
      return;
    case 'ObjectExpression':
      for (const property of node.properties) checkEntry(property, context);
      return;
    case 'MemberExpression':
      return checkMember(node, context);
    case 'CallExpression':
      return checkCall(node, context);
    case 'NewExpression': {
      const { callee } = node;
      const isViewed = callee.type === 'Identifier' && VIEWED.includes(callee.name);
      if (!isViewed || node.arguments.length > 1) return report(node, 'rule.initialiser.new');
      for (const argument of node.arguments) checkEntry(argument, context);
      return;
    }
    default:
      return checkComputed(node, context);
  }
}

/** Operators and templates: their operands are no objects made on the spot. */
function checkComputed(node: Node, context: Context): void {
  const check = (operand: Node): void => checkOperand(operand, context);
  switch (node.type) {
    case 'TemplateLiteral':
      return node.expressions.forEach(check);
    case 'BinaryExpression':
    case 'LogicalExpression':
      check(node.left);
      return check(node.right);
    case 'UnaryExpression':
      if (node.operator === 'delete') return context.report(node, 'rule.initialiser.other');
      return check(node.argument);
    case 'ConditionalExpression':
      return [node.test, node.consequent, node.alternate].forEach(check);
    default:
      return context.report(node, 'rule.initialiser.other');
  }
}

/** What may be turned into text or a number: nothing whose own code would then run before it is frozen. */
function checkOperand(operand: Node, context: Context): void {
  const isObject = /^(Array|Object|ArrowFunction|Function|New)Expression$/.test(operand.type);
  const isPattern = operand.type === 'Literal' && 'regex' in operand && operand.regex !== undefined;
  // Of the calls only those of Math give no object.
  const isMade = operand.type === 'CallExpression' && !isOfMath(operand.callee);
  if (isObject || isPattern || isMade) context.report(operand, 'rule.initialiser.operand');
  else checkValue(operand, context);
}

function isOfMath(callee: Node): boolean {
  const owner = callee.type === 'MemberExpression' ? callee.object : callee;
  return owner.type === 'Identifier' && owner.name === 'Math';
}

/** An element, an entry, or an argument. */
function checkEntry(node: Node, context: Context): void {
  const { scopes, report } = context;
  if (node.type === 'SpreadElement') {
    const source = node.argument.type === 'Identifier' ? scopes.bindingOf(node.argument) : null;
    const isPlain = source !== null && isLiteral(source) && source.at.start < node.start;
    if (!isPlain) report(node, 'rule.initialiser.spread');
  } else if (node.type !== 'Property') checkValue(node, context);
  else if (node.kind !== 'init' || node.computed) report(node, 'rule.initialiser.object');
  else checkValue(node.value, context);
}

function checkName(node: Extract<Node, { type: 'Identifier' }>, { scopes, report }: Context): void {
  const binding = scopes.bindingOf(node);
  // Free names are judged by the rule `name`; functions exist before anything runs.
  if (binding === null || binding.kind === 'function' || binding.at.start < node.start) return;
  report(node, 'rule.initialiser.later', { name: node.name });
}

function checkMember(node: Extract<Node, { type: 'MemberExpression' }>, { scopes, report }: Context): void {
  const { object } = node;
  const binding = object.type === 'Identifier' ? scopes.bindingOf(object) : null;
  const isOwn = binding !== null && isLiteral(binding) && binding.at.start < node.start;
  const isBuiltIn = object.type === 'Identifier' && binding === null && READABLE.includes(object.name);
  const hasName = propertyName(node) !== null && !node.optional;
  if (!hasName || (!isOwn && !isBuiltIn)) report(node, 'rule.initialiser.member');
}

function checkCall(node: Extract<Node, { type: 'CallExpression' }>, context: Context): void {
  const { callee } = node;
  const isInert =
    !node.optional && callee.type === 'MemberExpression' && isInertCallee(callee, context.scopes);
  if (!isInert) return context.report(node, 'rule.initialiser.call');
  const checks = takesAnything(callee) ? checkEntry : checkArgument;
  for (const argument of node.arguments) checks(argument, context);
}

/** Whether a call leaves its arguments as they are; others turn them into texts and numbers. */
function takesAnything(callee: Node): boolean {
  return ['freeze', 'keys', 'values', 'entries'].includes(propertyName(callee) ?? '');
}

/** An argument that may be turned into text or a number: no object made on the spot. */
function checkArgument(node: Node, context: Context): void {
  if (node.type === 'SpreadElement') checkEntry(node, context);
  else checkOperand(node, context);
}

function isInertCallee(callee: Extract<Node, { type: 'MemberExpression' }>, scopes: Scopes): boolean {
  const { object } = callee;
  const method = propertyName(callee);
  if (object.type === 'Literal') return typeof object.value === 'string' && method === 'split';
  if (object.type !== 'Identifier' || scopes.bindingOf(object) !== null) return false;
  return Object.hasOwn(INERT_CALLS, `${object.name}.${method}`);
}

/** Whether a module-level constant was written as an array or object. */
function isLiteral({ by, scope }: Binding): boolean {
  const value = scope.kind === 'module' && by.type === 'VariableDeclarator' ? by.init : null;
  const type = value?.type;
  return type === 'ArrayExpression' || type === 'ObjectExpression';
}
