/**
 * What a call and a loop pay, decided before anything is printed.
 *
 * Every call pays one tick of fuel, and every round of a loop one; a loop over a fixed number of rounds pays them all when
 * it begins, which costs nothing in the loop. Depth is counted for every function that could be part of a recursion.
 * Guarantee: of functions that are not counted at most one stands on the stack between two that are, so that 100 units of
 * depth bound the stack; a unit is a function of at most 250 parts, which bounds the room that its frame takes.
 */
import type { Subject } from '../finding.ts';
import { type FunctionNode, isFunction, type Node, walk } from '../parse.ts';
import { entryOf } from '../rules/module-level.ts';
import type { Binding, Scopes } from '../scope.ts';

/** Most units of depth. Shared with the prelude. */
export const DEPTH_UNITS = 100;
/** Parts of the tree that one unit of depth pays for. */
const PARTS_PER_UNIT = 250;
/** Most rounds that a loop pays in advance: more would charge a loop that ends early too much. */
const ADVANCE_MAX = 64;

/** Beyond it a counter may stand still: adding one to 2^53 gives 2^53. */
const COUNTER_MAX = 2 ** 31;

/** Units of depth, 0 for a function that cannot recurse by itself, and whether it must put depth back after an error. */
export interface CallCost {
  readonly depth: number;
  readonly catches: boolean;
}

export interface Metering {
  readonly costOf: (node: FunctionNode) => CallCost;
  /** How often a loop runs at most, where that is fixed and small; null where each round pays. */
  readonly roundsOf: (loop: Node) => number | null;
}

export function meteringOf({ tree, scopes }: Subject): Metering {
  const callees = new Set<Node>();
  const exported = new Set<Node>();
  walk(tree, (node) => {
    // Not by `new`: what it makes leads back to the function.
    if (node.type === 'CallExpression') callees.add(node.callee);
    if (node.type === 'ExportSpecifier') exported.add(node.local);
  });
  const named = new Map<Node, Binding>();
  for (const binding of scopes.bindings) {
    const value = binding.by.type === 'VariableDeclarator' ? binding.by.init : binding.by;
    const isConstant = binding.kind === 'function' || binding.kind === 'const';
    const isAlone = binding.by.type !== 'VariableDeclarator' || binding.by.id === binding.at;
    if (value && isConstant && isAlone) named.set(value, binding);
  }
  const entry = entryOf(tree, 'map');
  const costOf = (node: FunctionNode): CallCost => {
    const { parts, calls, catches } = measure(node);
    // A function expression also has a name inside itself, by which it could call itself or be handed out.
    const isNamedInside = node.type === 'FunctionExpression' && node.id !== null;
    const used = named.get(node)?.references.filter(({ at }) => !exported.has(at)) ?? null;
    const isDirect = used !== null && used.every(({ at, isWrite }) => !isWrite && callees.has(at));
    const isSmallLeaf = isDirect && !calls && parts <= PARTS_PER_UNIT;
    const isCalledOnce = node === entry && used?.length === 0;
    const isUncounted = !isNamedInside && (isCalledOnce || isSmallLeaf);
    return { depth: isUncounted ? 0 : 1 + Math.floor(parts / PARTS_PER_UNIT), catches };
  };
  return { costOf, roundsOf: (loop) => roundsOf(loop, scopes) };
}

/** The size of a function, and what it does itself and not in a function inside it. */
function measure(node: FunctionNode): { parts: number; calls: boolean; catches: boolean } {
  let parts = 0;
  let calls = false;
  let catches = false;
  walk(node, (inner, around) => {
    parts += 1;
    if (around.slice(1).some(isFunction)) return;
    if (inner.type === 'CallExpression' || inner.type === 'NewExpression') calls = true;
    if (inner.type === 'TryStatement') catches = true;
  });
  return { parts, calls, catches };
}

function roundsOf(loop: Node, scopes: Scopes): number | null {
  const rounds = loop.type === 'ForStatement' ? countedRounds(loop, scopes) : listedRounds(loop, scopes);
  return rounds !== null && rounds <= ADVANCE_MAX ? rounds : null;
}

/** `for (const entry of TABLE)`, where TABLE is a module-level array, which nothing can change. */
function listedRounds(loop: Node, scopes: Scopes): number | null {
  return loop.type === 'ForOfStatement' ? lengthOf(loop.right, scopes) : null;
}

/** `for (let i = 0; i < N; i++)`, where nothing else gives `i` a value, and N is a number or a module-level constant. */
function countedRounds(
  { init, test, update }: Extract<Node, { type: 'ForStatement' }>,
  scopes: Scopes,
): number | null {
  const [declarator, another] =
    init?.type === 'VariableDeclaration' && init.kind === 'let' ? init.declarations : [];
  if (!declarator || another || declarator.id.type !== 'Identifier') return null;
  const from = declarator.init ? fixedNumber(declarator.init, scopes) : null;
  const counter = scopes.bindings.find(({ at }) => at === declarator.id);
  if (from === null || counter === undefined) return null;
  const isStep = update?.type === 'UpdateExpression' && update.operator === '++';
  const writes = counter.references.filter(({ isWrite }) => isWrite);
  if (!isStep || writes.length !== 1 || writes[0]?.at !== update.argument) return null;
  if (test?.type !== 'BinaryExpression' || scopes.bindingOf(test.left) !== counter) return null;
  const to =
    fixedNumber(test.right, scopes) ?? (isLength(test.right) ? lengthOf(test.right.object, scopes) : null);
  if (to === null || (test.operator !== '<' && test.operator !== '<=')) return null;
  return Math.max(0, Math.ceil(to - from) + (test.operator === '<=' ? 1 : 0));
}

function isLength(node: Node): node is Extract<Node, { type: 'MemberExpression' }> {
  return (
    node.type === 'MemberExpression' &&
    !node.computed &&
    node.property.type === 'Identifier' &&
    node.property.name === 'length'
  );
}

/** A number that is written there, or in a module-level constant. */
function fixedNumber(node: Node, scopes: Scopes): number | null {
  const value = node.type === 'Literal' ? node : valueOf(node, scopes);
  if (value?.type !== 'Literal' || typeof value.value !== 'number') return null;
  return value.value <= COUNTER_MAX ? value.value : null;
}

/** Entries of a module-level array without spread. */
function lengthOf(node: Node, scopes: Scopes): number | null {
  const value = valueOf(node, scopes);
  if (value?.type !== 'ArrayExpression') return null;
  return value.elements.some((element) => element?.type === 'SpreadElement') ? null : value.elements.length;
}

/** What a module-level constant was given. */
function valueOf(node: Node, scopes: Scopes): Node | null {
  const binding = scopes.bindingOf(node);
  if (binding?.scope.kind !== 'module' || binding.by.type !== 'VariableDeclarator') return null;
  return binding.by.init ?? null;
}
