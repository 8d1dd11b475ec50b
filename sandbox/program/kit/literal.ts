/** Literals for generated files, which are the same text in JavaScript, TypeScript, YAML and JSON. */
import type { Scalar } from '../../expression.ts';

/** A value, with everything that a reader could not see, or a program may not hold, as an escape. */
export function literalOf(value: Scalar): string {
  return JSON.stringify(value).replace(/[^\x20-\x7e\p{L}\p{N}\p{P}\p{S}]/gu, (found) =>
    [...Array(found.length).keys()].map((at) => escapeOf(found.charCodeAt(at))).join(''),
  );
}

/** For a comment, which a name must not end. */
export function commentOf(text: string): string {
  return literalOf(text).slice(1, -1).replaceAll('*/', '*\\/');
}

function escapeOf(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, '0')}`;
}
