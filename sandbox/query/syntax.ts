/**
 * The small syntax tree that a buyer's SELECT decodes to, before names are bound to a dataset.
 *
 * `at` is the position of a node in the text, in characters from 1, for messages.
 */

export type BinaryOperator = '=' | '<>' | '<' | '<=' | '>' | '>=' | '+' | '-' | '*' | '/' | '%';

export type Syntax = { readonly at: number } & (
  | { readonly kind: 'name'; readonly path: readonly string[] }
  | { readonly kind: 'star'; readonly qualifier: string | null }
  | { readonly kind: 'literal'; readonly value: number | string | boolean | null }
  | { readonly kind: 'dated'; readonly type: 'date' | 'timestamp'; readonly text: string }
  | {
      readonly kind: 'binary';
      readonly operator: BinaryOperator;
      readonly left: Syntax;
      readonly right: Syntax;
    }
  | { readonly kind: 'distinct'; readonly left: Syntax; readonly right: Syntax; readonly negated: boolean }
  | { readonly kind: 'not' | 'negate'; readonly arg: Syntax }
  | { readonly kind: 'and' | 'or'; readonly args: readonly Syntax[] }
  | { readonly kind: 'isNull'; readonly arg: Syntax; readonly negated: boolean }
  | { readonly kind: 'isBoolean'; readonly arg: Syntax; readonly value: boolean; readonly negated: boolean }
  | {
      readonly kind: 'in';
      readonly arg: Syntax;
      readonly values: readonly Syntax[];
      readonly negated: boolean;
    }
  | {
      readonly kind: 'between';
      readonly arg: Syntax;
      readonly low: Syntax;
      readonly high: Syntax;
      readonly negated: boolean;
    }
  | { readonly kind: 'like'; readonly arg: Syntax; readonly pattern: Syntax; readonly negated: boolean }
  | {
      readonly kind: 'case';
      /** CASE operand WHEN value …; null for CASE WHEN condition …. */
      readonly operand: Syntax | null;
      readonly branches: readonly { readonly when: Syntax; readonly then: Syntax }[];
      readonly otherwise: Syntax | null;
    }
  | { readonly kind: 'coalesce'; readonly args: readonly Syntax[] }
  | { readonly kind: 'nullif'; readonly left: Syntax; readonly right: Syntax }
  | CallSyntax
);

export interface CallSyntax {
  readonly at: number;
  readonly kind: 'call';
  readonly name: string;
  readonly args: readonly Syntax[];
  readonly star: boolean;
  readonly distinct: boolean;
  readonly filter: Syntax | null;
}

export interface TargetSyntax {
  readonly at: number;
  readonly expr: Syntax;
  readonly alias: string | null;
}

export interface OrderSyntax {
  readonly expr: Syntax;
  readonly descending: boolean;
  readonly nullsFirst: boolean;
}

export type FromSyntax =
  | { readonly kind: 'table'; readonly at: number; readonly name: string; readonly alias: string | null }
  | {
      readonly kind: 'select';
      readonly at: number;
      readonly select: SelectSyntax;
      readonly alias: string | null;
    };

export interface SelectSyntax {
  readonly at: number;
  readonly withs: readonly { readonly name: string; readonly select: SelectSyntax }[];
  readonly targets: readonly TargetSyntax[];
  readonly from: FromSyntax;
  readonly where: Syntax | null;
  readonly groupBy: readonly Syntax[];
  readonly having: Syntax | null;
  readonly orderBy: readonly OrderSyntax[];
  readonly limit: number | null;
  readonly offset: number;
}

/** The direct parts of a syntax node. */
function partsOf(node: Syntax): readonly Syntax[] {
  switch (node.kind) {
    case 'name':
    case 'star':
    case 'literal':
    case 'dated':
      return [];
    case 'binary':
    case 'distinct':
    case 'nullif':
      return [node.left, node.right];
    case 'and':
    case 'or':
    case 'coalesce':
      return node.args;
    case 'in':
      return [node.arg, ...node.values];
    case 'between':
      return [node.arg, node.low, node.high];
    case 'like':
      return [node.arg, node.pattern];
    case 'case':
      return [
        ...(node.operand ? [node.operand] : []),
        ...node.branches.flatMap((branch) => [branch.when, branch.then]),
        ...(node.otherwise ? [node.otherwise] : []),
      ];
    case 'call':
      return [...node.args, ...(node.filter ? [node.filter] : [])];
    default:
      return [node.arg];
  }
}

/** Whether a predicate holds for a node or anything below it. */
export function someNode(node: Syntax, holds: (node: Syntax) => boolean): boolean {
  return holds(node) || partsOf(node).some((part) => someNode(part, holds));
}

/** Equality of expressions as written, whatever their position. */
export function sameExpression(a: Syntax, b: Syntax): boolean {
  const text = (node: Syntax): string =>
    JSON.stringify(node, (name, value: unknown) => (name === 'at' ? undefined : value));
  return text(a) === text(b);
}
