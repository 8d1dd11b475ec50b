/**
 * Buyer's text to PostgreSQL's own syntax tree: the only caller of the parser.
 *
 * Guarantee: bounded in size and depth; whatever the text, the outcome is one SELECT tree or a refusal.
 */
import { loadModule, parseSync, SqlError } from 'libpg-query';
import { Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';

const TEXT_BYTES_MAX = 65_536;
const NESTING_MAX = 100;
/** Punctuation that a Chinese input method types where SQL wants ASCII, and the two kinds of wide space. */
const FULL_WIDTH = new Map([
  ['（', '('],
  ['）', ')'],
  ['，', ','],
  ['；', ';'],
  ['‘', "'"],
  ['’', "'"],
  ['“', '"'],
  ['”', '"'],
  ['＝', '='],
  ['＞', '>'],
  ['＜', '<'],
  ['＊', '*'],
  ['＋', '+'],
  ['－', '-'],
  ['／', '/'],
  ['％', '%'],
  ['。', '.'],
  ['．', '.'],
  ['！', '!'],
  ['：', ':'],
  ['\u3000', ' '],
]);

// Compiled once when this module is first imported: from then on parsing is synchronous.
await loadModule();

export type TreeNode = { readonly [field: string]: unknown };

/** A parsed statement with a way to turn the parser's byte offsets into character positions. */
export interface ParsedSelect {
  readonly tree: TreeNode;
  /** 1-based character position of a byte offset of the text. */
  readonly positionOf: (byteOffset: number) => number;
}

/** Parses exactly one SELECT. Refuses: PARSE. */
export function parseSelect(text: string): ParsedSelect {
  checkText(text);
  const statements = statementsOf(text);
  const select = (statements[0]?.['stmt'] as TreeNode | undefined)?.['SelectStmt'];
  if (statements.length !== 1 || select === undefined) throw new Refusal('PARSE', say('parse.oneSelect'));
  const positions = positionsOf(text);
  return {
    tree: select as TreeNode,
    positionOf: (offset) => positions[Math.min(Math.max(0, offset), positions.length - 1)]!,
  };
}

/** The 1-based character position of every byte of the text, once for all: a tree has thousands of nodes. */
function positionsOf(text: string): Uint32Array {
  const positions = new Uint32Array(Buffer.byteLength(text, 'utf8') + 1);
  let [byte, position] = [0, 1];
  for (const char of text) {
    const end = byte + Buffer.byteLength(char, 'utf8');
    positions.fill(position, byte, end);
    byte = end;
    position += char.length;
  }
  positions[byte] = position;
  return positions;
}

function statementsOf(text: string): readonly TreeNode[] {
  try {
    const parsed = parseSync(text) as unknown as { stmts?: readonly TreeNode[] };
    return parsed.stmts ?? [];
  } catch (thrown) {
    if (text.trim() === '') throw new Refusal('PARSE', say('parse.oneSelect'));
    const detail = thrown instanceof SqlError ? thrown.sqlDetails : undefined;
    if (isFileInFrom(text, detail?.cursorPosition ?? 0))
      throw new Refusal('TABLE', say('query.tableKind', { at: detail!.cursorPosition + 1 }));
    const message = detail?.message.startsWith('syntax error')
      ? detail.message
      : 'the statement is too complex';
    throw new Refusal('PARSE', say('parse.syntax', { message, at: (detail?.cursorPosition ?? 0) + 1 }));
  }
}

/** Engines that read files accept FROM 'file.csv'; PostgreSQL's grammar stops at the quote. */
function isFileInFrom(text: string, position: number): boolean {
  return text[position] === "'" && /\b(from|join)\s*$/i.test(text.slice(0, position));
}

/** What the parser is never shown: long, deep or binary text, and full-width punctuation outside quotes. */
function checkText(text: string): void {
  if (Buffer.byteLength(text, 'utf8') > TEXT_BYTES_MAX) {
    throw new Refusal('PARSE', say('parse.tooLong', { max: TEXT_BYTES_MAX }));
  }
  if (text.includes('\0') || !text.isWellFormed()) throw new Refusal('PARSE', say('parse.binary'));
  let depth = 0;
  for (const { char, at } of charactersOutsideQuotes(text)) {
    const ascii = FULL_WIDTH.get(char);
    if (ascii !== undefined) throw new Refusal('PARSE', say('parse.fullWidth', { char, ascii, at }));
    if (char === '(' || char === '[') depth += 1;
    if (char === ')' || char === ']') depth -= 1;
    if (depth > NESTING_MAX) throw new Refusal('PARSE', say('parse.tooDeep', { max: NESTING_MAX }));
  }
}

/** Characters of the text that are not inside a literal, a quoted identifier or a comment, with 1-based positions. */
function* charactersOutsideQuotes(text: string): Generator<{ char: string; at: number }> {
  let quote: string | null = null;
  for (let index = 0; index < text.length; index += 1) {
    const char = text[index]!;
    if (quote !== null) {
      const closes = text.startsWith(quote, index);
      if (closes) index += quote.length - 1;
      if (closes) quote = null;
    } else if (char === "'" || char === '"') quote = char;
    else if (text.startsWith('--', index)) quote = '\n';
    else if (text.startsWith('/*', index)) quote = '*/';
    else yield { char, at: index + 1 };
  }
}
