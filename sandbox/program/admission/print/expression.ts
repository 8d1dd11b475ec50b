/**
 * Prints expressions and patterns from the tree.
 *
 * Guarantee: every compound operand stands in parentheses, so that nothing depends on precedence, and a printed
 * expression means what its tree says. Functions are printed by whoever prints statements.
 */
import type { FunctionNode, Node } from '../parse.ts';
import { isAllowed } from '../syntax.ts';
import { literal, stringLiteral, templateText } from './literal.ts';

/** Parameters in parentheses, and the body in braces. */
export interface Callable {
  readonly parameters: string;
  readonly body: string;
}

/** What an expression needs to know of where it stands. */
export interface Surroundings {
  /** Whether it is evaluated once, when the module is loaded. */
  readonly isModuleLevel: boolean;
  readonly callable: (node: FunctionNode) => Callable;
}

/** Printed without parentheses wherever an operand stands. */
const PRIMARY = new Set([
  'Identifier',
  'ThisExpression',
  'Super',
  'TemplateLiteral',
  'ArrayExpression',
  'CallExpression',
  'MemberExpression',
  'NewExpression',
]);

/** An expression as an operand, callee, or owner of a property. */
export function operand(node: Node, where: Surroundings): string {
  const isBare = PRIMARY.has(node.type) || (node.type === 'Literal' && typeof node.value === 'string');
  const text = expression(node, where);
  return isBare ? text : `(${text})`;
}

/** An expression where only a comma could be misread. */
export function argument(node: Node, where: Surroundings): string {
  return node.type === 'SequenceExpression' ? `(${expression(node, where)})` : expression(node, where);
}

export function expression(node: Node, where: Surroundings): string {
  const of = (inner: Node): string => operand(inner, where);
  switch (node.type) {
    case 'Identifier':
      return node.name;
    case 'Literal':
      return literal(node);
    case 'ThisExpression':
      return 'this';
    case 'Super':
      return 'super';
    case 'ArrayExpression':
    case 'ArrayPattern':
      return arrayText(node.elements, where);
    case 'ObjectExpression':
    case 'ObjectPattern':
      return `{ ${node.properties.map((property) => entry(property, where)).join(', ')} }`;
    case 'SpreadElement':
    case 'RestElement':
      return `...${argument(node.argument, where)}`;
    case 'AssignmentPattern':
      return `${expression(node.left, where)} = ${argument(node.right, where)}`;
    case 'TemplateLiteral':
      return template(node, where);
    case 'SequenceExpression':
      return node.expressions.map((inner) => argument(inner, where)).join(', ');
    case 'UnaryExpression':
      return `${node.operator} ${of(node.argument)}`;
    case 'UpdateExpression':
      return node.prefix ? `${node.operator}${of(node.argument)}` : `${of(node.argument)}${node.operator}`;
    case 'BinaryExpression':
    case 'LogicalExpression':
      return `${of(node.left)} ${node.operator} ${of(node.right)}`;
    case 'AssignmentExpression':
      return `${expression(node.left, where)} ${node.operator} ${argument(node.right, where)}`;
    case 'ConditionalExpression':
      return `${of(node.test)} ? ${of(node.consequent)} : ${of(node.alternate)}`;
    default:
      return reaching(node, where);
  }
}

/** Functions, calls and properties. */
function reaching(node: Node, where: Surroundings): string {
  switch (node.type) {
    case 'ArrowFunctionExpression': {
      const { parameters, body } = where.callable(node);
      return `${parameters} => ${body}`;
    }
    case 'FunctionExpression': {
      const { parameters, body } = where.callable(node);
      return `function ${node.id?.name ?? ''}${parameters} ${body}`;
    }
    case 'CallExpression':
      return `${operand(node.callee, where)}${node.optional ? '?.' : ''}${listed(node.arguments, where)}`;
    case 'MemberExpression': {
      const owner = operand(node.object, where);
      if (node.computed) return `${owner}${node.optional ? '?.' : ''}[${expression(node.property, where)}]`;
      return `${owner}${node.optional ? '?.' : '.'}${expression(node.property, where)}`;
    }
    case 'ChainExpression':
      return expression(node.expression, where);
    case 'NewExpression':
      return newText(node, where);
    default:
      throw new RangeError(`an expression that admission let by: ${node.type} ${isAllowed(node)}`);
  }
}

/** At module level sets and maps are views that cannot change. */
function newText(node: Extract<Node, { type: 'NewExpression' }>, where: Surroundings): string {
  const { callee } = node;
  if (where.isModuleLevel && callee.type === 'Identifier') {
    const [entries] = node.arguments;
    return `$view(new ${callee.name}(${entries ? `$harden(${argument(entries, where)})` : ''}))`;
  }
  const made = callee.type === 'Identifier' ? callee.name : `(${expression(callee, where)})`;
  return `new ${made}${listed(node.arguments, where)}`;
}

function listed(nodes: readonly Node[], where: Surroundings): string {
  return `(${nodes.map((node) => argument(node, where)).join(', ')})`;
}

/** Holes keep their comma; the last one needs one more. */
function arrayText(elements: readonly (Node | null)[], where: Surroundings): string {
  const texts = elements.map((element) => (element ? argument(element, where) : ''));
  return `[${texts.join(', ')}${elements.at(-1) === null ? ',' : ''}]`;
}

function template(node: Extract<Node, { type: 'TemplateLiteral' }>, where: Surroundings): string {
  const parts = node.quasis.map((quasi, index) => {
    const inner = node.expressions[index];
    // Only a tagged template has pieces that mean no text.
    return templateText(quasi.value.cooked ?? '') + (inner ? `\${${expression(inner, where)}}` : '');
  });
  return `\`${parts.join('')}\``;
}

/** An entry of an object or of a pattern. */
function entry(node: Node, where: Surroundings): string {
  if (node.type !== 'Property') return expression(node, where);
  const key = keyText(node, where);
  if (node.value.type === 'FunctionExpression' && (node.method || node.kind !== 'init')) {
    const { parameters, body } = where.callable(node.value);
    return `${node.kind === 'init' ? '' : `${node.kind} `}${key}${parameters} ${body}`;
  }
  return `${key}: ${argument(node.value, where)}`;
}

/** The key of an entry or of a member of a class. */
export function keyText(
  node: { readonly key: Node; readonly computed: boolean },
  where: Surroundings,
): string {
  if (node.computed) return `[${argument(node.key, where)}]`;
  if (node.key.type === 'Identifier') return node.key.name;
  return node.key.type === 'Literal' && typeof node.key.value === 'string'
    ? stringLiteral(node.key.value)
    : expression(node.key, where);
}
