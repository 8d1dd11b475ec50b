/** Literals of printed code, in ASCII: what reads the same in every encoding. */
import type { Node } from '../parse.ts';

/** A string literal. */
export function stringLiteral(value: string): string {
  return ascii(JSON.stringify(value));
}

/** The text between the expressions of a template. */
export function templateText(cooked: string): string {
  return ascii(cooked.replace(/[\\`$]/g, String.raw`\$&`).replace(/\p{Cc}/gu, escaped));
}

/** A literal as it was read; numbers and strings by their value. */
export function literal(node: Extract<Node, { type: 'Literal' }>): string {
  if (node.regex) return `/${node.regex.pattern}/${node.regex.flags}`;
  if (typeof node.bigint === 'string') return `${node.bigint}n`;
  if (typeof node.value === 'string') return stringLiteral(node.value);
  // A number too large for a double is Infinity, whose name is no literal.
  return node.value === Infinity ? '1e999' : String(node.value);
}

function ascii(text: string): string {
  return text.replace(/[^\0-\x7e]/g, escaped);
}

/** One code unit. */
function escaped(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
