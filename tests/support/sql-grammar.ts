/**
 * A grammar of SQL statements far beyond what the front end accepts: PostgreSQL's SELECT with everything in it.
 *
 * The grammar is sql-grammar.txt. Below a depth, and in a long text, the first production of a symbol is taken.
 * Not covered: statements of a size that is the attack; see tests/attacks/sql.test.ts.
 */
import { readFileSync } from 'node:fs';
import type { RandomSource } from '#sandbox/release/random.ts';

const PRODUCTIONS = productionsOf(readFileSync(new URL('./sql-grammar.txt', import.meta.url), 'utf8'));

function productionsOf(text: string): ReadonlyMap<string, readonly string[]> {
  const productions = new Map<string, string[]>([['sp', [' ']]]);
  for (const [, symbol = '', escaped = ''] of text.matchAll(/^(\w+) *(.*)$/gm)) {
    const production = escaped.replaceAll(/\\u\{(\w+)\}/g, (_, hex: string) =>
      String.fromCodePoint(Number.parseInt(hex, 16)),
    );
    productions.set(symbol, [...(productions.get(symbol) ?? []), production]);
  }
  return productions;
}

/** Below this many symbols inside each other the shortest production is taken. */
const DEPTH_MAX = 12;
/** A text that has grown to this many symbols goes on with the shortest as well. */
const SYMBOLS_MAX = 120;

/** One statement: any of the grammar's, drawn symbol by symbol. */
export function drawStatement(random: RandomSource): string {
  let symbols = 0;
  const expand = (symbol: string, depth: number): string => {
    symbols += 1;
    const lines = PRODUCTIONS.get(symbol);
    if (lines === undefined) return repeated(symbol);
    const isTooMuch = depth > DEPTH_MAX || symbols > SYMBOLS_MAX;
    const line = lines[isTooMuch ? 0 : random.below(lines.length)]!;
    return line.replaceAll(/\{([^{}]+)\}/g, (_, inner: string) => expand(inner, depth + 1));
  };
  return expand('statement', 0);
}

/** `"(" * 90` in the grammar: so much text that it could not stand there. */
function repeated(symbol: string): string {
  const [, text, count] = /^"([^"]*)"\*(\d+)$/.exec(symbol) ?? [];
  if (text === undefined) throw new RangeError(`the grammar has no ${symbol}`);
  return text.repeat(Number(count));
}
