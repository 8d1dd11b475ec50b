/**
 * The one place that parses buyers' modules: acorn, with module goal, and the tree as the rest of admission sees it.
 *
 * Guarantee: never throws for any text; a tree comes only with all its tokens and comments. acorn is JavaScript, so that
 * deep nesting ends in an error that can be caught, and not in a crash of the process as in native parsers.
 * Not covered: what the tree may hold (syntax.ts, rules/).
 *
 * ESTree: https://github.com/estree/estree
 */
import { type AnyNode, type Program as Tree, parse, version } from 'acorn';

/** Of the parser: what an admission was decided with. */
export const PARSER_VERSION = version;

export type * from 'acorn';

/** Any node of a tree. `ParenthesizedExpression` is never made. */
export type Node = AnyNode;

/** The edition that both the parser and the engine know in full. */
const EDITION = 2025;

/** A stretch of text whose content is not code. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
}

export interface NameToken extends Stretch {
  readonly name: string;
}

export interface Reading {
  readonly text: string;
  readonly tree: Tree;
}

export interface Tokens {
  /** Comments. */
  readonly comments: readonly Stretch[];
  /** Strings, pieces of templates and regular expressions. */
  readonly literals: readonly Stretch[];
  readonly names: readonly NameToken[];
}

export type Parsed =
  | { readonly tree: Tree; readonly tokens: Tokens }
  | { readonly fault: 'syntax'; readonly offset: number; readonly message: string }
  | { readonly fault: 'depth' };

/** The tree of a module, or what is wrong with its syntax. */
export function parseModule(text: string): Parsed {
  const comments: Stretch[] = [];
  const literals: Stretch[] = [];
  const names: NameToken[] = [];
  try {
    const tree = parse(text, {
      ecmaVersion: EDITION,
      sourceType: 'module',
      allowHashBang: false,
      onComment: (_isBlock, _words, start, end) => comments.push({ start, end }),
      onToken: (token) => {
        const { type, start, end } = token;
        // acorn's types leave out what every token of a name carries.
        const value: unknown = 'value' in token ? token.value : undefined;
        if (['string', 'template', 'regexp'].includes(type.label)) literals.push({ start, end });
        if (typeof value === 'string' && (type.label === 'name' || type.label === 'privateId')) {
          names.push({ start, end, name: value });
        }
      },
    });
    return { tree, tokens: { comments, literals, names } };
  } catch (error) {
    if (error instanceof RangeError || isOutOfStack(error)) return { fault: 'depth' };
    if (error instanceof SyntaxError) {
      // The message names what stands in the text, and where: the place is ours to say.
      const message = error.message.replace(/ \(\d+:\d+\)$/, '');
      return { fault: 'syntax', offset: 'pos' in error ? Number(error.pos) : 0, message };
    }
    throw error;
  }
}

/** acorn says so itself where it noticed the overflow of the stack. */
function isOutOfStack(error: unknown): boolean {
  return error instanceof SyntaxError && error.message.startsWith('Not enough stack space');
}

/** The direct children of a node, in the order of the text. */
export function childrenOf(node: Node): Node[] {
  const children = Object.values(node).flatMap((value: unknown) =>
    Array.isArray(value) ? value.filter(isNode) : isNode(value) ? [value] : [],
  );
  // A shorthand `{ a }` has one identifier as key and value.
  return children.length < 2 ? children : [...new Set(children)];
}

function isNode(value: unknown): value is Node {
  return value !== null && typeof value === 'object' && 'type' in value && 'start' in value;
}

/** Visits a node and all below it, outermost first, with the nodes around it from the outermost in. */
export function walk(
  node: Node,
  visit: (node: Node, around: readonly Node[]) => void,
  around: readonly Node[] = [],
): void {
  visit(node, around);
  const inner = [...around, node];
  for (const child of childrenOf(node)) walk(child, visit, inner);
}

export type FunctionNode = Extract<
  Node,
  { type: 'FunctionDeclaration' | 'FunctionExpression' | 'ArrowFunctionExpression' }
>;

export function isFunction(node: Node): node is FunctionNode {
  return (
    node.type === 'FunctionDeclaration' ||
    node.type === 'FunctionExpression' ||
    node.type === 'ArrowFunctionExpression'
  );
}

/** The static name of a property that an expression, pattern or key writes; null when it is computed or no property. */
export function propertyName(node: Node): string | null {
  if (node.type === 'MemberExpression') return staticKey(node.property, node.computed);
  if (node.type === 'Property' || node.type === 'MethodDefinition' || node.type === 'PropertyDefinition') {
    return staticKey(node.key, node.computed);
  }
  return null;
}

function staticKey(key: Node, isComputed: boolean): string | null {
  if (key.type === 'Identifier' && !isComputed) return key.name;
  if (key.type === 'Literal' && (typeof key.value === 'string' || typeof key.value === 'number')) {
    return String(key.value);
  }
  if (key.type === 'TemplateLiteral' && key.expressions.length === 0)
    return key.quasis[0]?.value.cooked ?? null;
  return null;
}
