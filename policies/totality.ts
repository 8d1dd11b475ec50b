/**
 * Which Cedar expressions a policy may use: only those that cannot fail on a validated request.
 *
 * Guarantee: a policy set that passes has no arithmetic, no function that parses or computes with its
 * argument, and no tag that may be absent, so that no forbid can be skipped because it erred. What remains
 * is reading an attribute of an entity that was not passed, which evaluate() turns into a denial.
 */
import type { LoadedPolicy } from './engine.ts';
import { Failure } from './refusal.ts';
import { say } from './words.ts';

/** Operators of Cedar's JSON policy format that have a value for every well-typed operand. */
const TOTAL_OPERATORS: ReadonlySet<string> = new Set([
  'Value',
  'Var',
  'Set',
  'Record',
  '.',
  'has',
  'is',
  'in',
  'like',
  '==',
  '!=',
  '<',
  '<=',
  '>',
  '>=',
  '!',
  '&&',
  '||',
  'if-then-else',
  'contains',
  'containsAll',
  'containsAny',
  'isEmpty',
]);

/** Throws a Failure CONFIG naming the first policy and operator that could err. */
export function checkTotal(policies: readonly LoadedPolicy[]): void {
  for (const { id, json } of policies) {
    for (const { body } of json.conditions) checkExpression(id, body);
  }
}

function checkExpression(policy: string, expression: object): void {
  for (const [operator, operands] of Object.entries(expression)) {
    if (!TOTAL_OPERATORS.has(operator))
      throw new Failure('CONFIG', say('policy.partial', { policy, operator }));
    // Values, variables and attribute names are no expressions.
    if (operator === 'Value' || operator === 'Var') continue;
    for (const operand of operandsOf(operands)) checkExpression(policy, operand);
  }
}

function operandsOf(operands: unknown): readonly object[] {
  if (typeof operands !== 'object' || operands === null) return [];
  return Object.values(operands).filter(
    (operand): operand is object => typeof operand === 'object' && operand !== null,
  );
}
