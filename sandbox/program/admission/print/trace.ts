/**
 * What is printed beside a program so that a trial can say on which line a record went wrong.
 *
 * Guarantee: without a trace not a byte of what is printed is another; with one, what the program computes, and the fuel
 * and depth that it pays, stay the same. Lines are those of the applicant's own text, from 1.
 * Not covered: a condition of a loop that fails in a later round is told as the last line of the round before.
 */
import type { Node } from '../parse.ts';

export interface Trace {
  /** Stands before the program. */
  readonly prelude: string;
  /** More names to export. */
  readonly exported: string;
  /** Before a statement. */
  at(node: Node): string;
  /** Where a function begins. */
  enter(node: Node): string;
  /** Where a function ends by itself, at `node`: its caller goes on where it was. */
  leave(node: Node): string;
}

/** `$line(true)` is where the function that ended last has ended; `$line(false)` is where the program is. */
const PRELUDE = `var $at = 0, $left = 0;
function $line(hasReturned) { return hasReturned ? $left : $at; }
$harden($line);
`;

/** A trace by the lines of a module's text. */
export function traceOf(text: string): Trace {
  const starts = [...text.matchAll(/\r\n|[\n\r\u2028\u2029]/g)].map((end) => end.index + end[0].length);
  const lineOf = ({ start }: Node): number => lineAt(starts, start);
  return {
    prelude: PRELUDE,
    exported: ', $line',
    at: (node) => `$at = ${lineOf(node)}; `,
    enter: (node) => `const $from = $at; $at = ${lineOf(node)};`,
    leave: (node) => `$left = ${lineOf(node)}; $at = $from;`,
  };
}

/** How many lines, but for the first, start at an offset or before, and one more: by halving. */
function lineAt(starts: readonly number[], offset: number): number {
  let [low, high] = [0, starts.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (starts[middle]! <= offset) low = middle + 1;
    else high = middle;
  }
  return low + 1;
}
