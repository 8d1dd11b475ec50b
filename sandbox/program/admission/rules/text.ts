/**
 * Rule `text`: what the module is as a text, before anything is read into its tree.
 *
 * Guarantee: whatever passes reads the same to a person, to our parser and to the engine: no invisible characters, no
 * look-alike names, no comment that only some readers see, and a size and depth that every reader can take.
 */
import { type Finding, FINDINGS_MAX, findingAt, type Rule } from '../finding.ts';
import { childrenOf, type Node, parseModule, type Reading, type Stretch, type Tokens } from '../parse.ts';

const BYTES_MAX = 65_536;
const NODES_MAX = 20_000;
const DEPTH_MAX = 150;
/** Controls but tab and line ends, formats (bidi, zero width), line and paragraph separators, surrogates, unassigned. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}]/gu;
const PLAIN_CONTROLS = new Set(['\t', '\n', '\r']);
/** Blank characters that are no ASCII space; U+3000 is the space of Chinese text and may stand in it. */
const ODD_BLANK = /[^\S\t\n\r \u3000]|\u115f|\u1160|\u3164|\uffa0|\u2800|[\u{fe00}-\u{fe0f}]/gu;
const FULL_WIDTH = /^[\uff01-\uff5e]$/;

const MAP = 'export function map(row) { return row.x; }';

export const textRule: Rule = {
  id: 'text',
  because:
    'A reviewer, our parser and the engine must read the same program, and no reader may be brought down by its size or depth.',
  modes: ['map', 'blocks'],
  accepts: [
    `// 年龄按岁计算 — in years\n${MAP}`,
    `export function map(row) { return row['年龄'] === '三十' ? 1 : /[，。]/g.test(row.note) ? 2 : 3; }`,
    'export function map(row) { let n = 3; while (n-- > 0) row.x += 1; return row.x; }',
  ],
  refuses: [
    [`// ${'x'.repeat(BYTES_MAX)}\n${MAP}`, 'rule.text.size'],
    ['export function map(row) { /* \u202e */ return 1; }', 'rule.text.character'],
    ["export function map(row) { return 'a\u200bb'.length; }", 'rule.text.character'],
    ['export function map(row) { return row.年龄; }', 'rule.text.outsideStrings'],
    ['export function map(row) { const nаme = 1; return nаme; }', 'rule.text.outsideStrings'],
    ['export function map(row)｛ return 1; }', 'rule.text.fullWidth'],
    ['let y = 1; export function map(row) { const z = 1<!--y; return z; }', 'rule.text.htmlComment'],
    [
      'export function map(row) { let n = 3; while (n --> 0) row.x += 1; return 1; }',
      'rule.text.htmlComment',
    ],
    ['export function map(row) { return row.\\u0061ge; }', 'rule.text.escapedName'],
    ['export function map(row) { return row.; }', 'rule.text.parse'],
    [`export const map = (row) => [${'0,'.repeat(NODES_MAX)}].length;`, 'rule.text.nodes'],
    [
      `export const map = (row) => ${'('.repeat(300)}${'-'.repeat(1)}1${')'.repeat(300)}${'+1'.repeat(200)};`,
      'rule.text.depth',
    ],
    [`export const map = (row) => ${'['.repeat(20_000)}`, 'rule.text.depth'],
  ],
};

export type TextOutcome = { readonly findings: readonly Finding[]; readonly reading: Reading | null };

/** The module's tree, or what is wrong with its text. */
export function readText(text: string): TextOutcome {
  const at = (offset: number) => ({ text, offset });
  const early = [...sizeFaults(text), ...invisibleFaults(text)];
  if (early.length > 0) return { findings: early, reading: null };
  const parsed = parseModule(text);
  if ('fault' in parsed) return { findings: [faultFinding(parsed, text)], reading: null };
  const { tree, tokens } = parsed;
  const findings = [...strangeNames(text, tokens), ...htmlComments(text, tokens)];
  const size = sizeOf(tree);
  if (size.depth > DEPTH_MAX) findings.push(findingAt('text', at(0), 'rule.text.depth', { max: DEPTH_MAX }));
  else if (size.nodes > NODES_MAX)
    findings.push(findingAt('text', at(0), 'rule.text.nodes', { max: NODES_MAX }));
  return { findings, reading: findings.length > 0 ? null : { text, tree } };
}

function sizeFaults(text: string): Finding[] {
  if (Buffer.byteLength(text) <= BYTES_MAX) return [];
  return [findingAt('text', { text, offset: 0 }, 'rule.text.size', { max: BYTES_MAX })];
}

function invisibleFaults(text: string): Finding[] {
  return [...text.matchAll(INVISIBLE), ...text.matchAll(ODD_BLANK)]
    .filter(([found]) => !PLAIN_CONTROLS.has(found))
    .slice(0, FINDINGS_MAX)
    .map(({ 0: found, index: offset }) =>
      findingAt('text', { text, offset }, 'rule.text.character', { code: codeOf(found) }),
    );
}

function codeOf(character: string): string {
  return `U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`;
}

function faultFinding(
  fault: Exclude<ReturnType<typeof parseModule>, { readonly tree: unknown }>,
  text: string,
): Finding {
  if (fault.fault === 'depth')
    return findingAt('text', { text, offset: 0 }, 'rule.text.depth', { max: DEPTH_MAX });
  const { offset, message } = fault;
  const char = text.charAt(offset);
  if (FULL_WIDTH.test(char)) {
    const ascii = String.fromCodePoint(char.codePointAt(0)! - 0xfee0);
    return findingAt('text', { text, offset }, 'rule.text.fullWidth', { char, ascii });
  }
  return findingAt('text', { text, offset }, 'rule.text.parse', { message });
}

/** Names, and anything else that is code, in ASCII and without escapes. */
function strangeNames(text: string, { names, comments, literals }: Tokens): Finding[] {
  const foreign = names.filter(({ name }) => !isAscii(name));
  const escaped = names.filter(
    ({ name, start, end }) => isAscii(name) && text.slice(start, end).replace('#', '') !== name,
  );
  const masked = maskedCode(text, [...comments, ...literals, ...foreign]);
  return [
    ...foreign
      .slice(0, FINDINGS_MAX)
      .map(({ name, start: offset }) =>
        findingAt('text', { text, offset }, 'rule.text.outsideStrings', { char: name }),
      ),
    ...escaped
      .slice(0, FINDINGS_MAX)
      .map(({ start: offset }) => findingAt('text', { text, offset }, 'rule.text.escapedName')),
    ...[...masked.matchAll(/[^\0-\x7f]/gu)]
      .slice(0, FINDINGS_MAX)
      .map(({ 0: char, index: offset }) =>
        findingAt('text', { text, offset }, 'rule.text.outsideStrings', { char }),
      ),
  ];
}

function isAscii(text: string): boolean {
  return !/[^\0-\x7f]/.test(text);
}

function htmlComments(text: string, { comments, literals }: Tokens): Finding[] {
  return [...maskedCode(text, [...comments, ...literals]).matchAll(/<!--|-->/g)]
    .slice(0, FINDINGS_MAX)
    .map(({ 0: mark, index: offset }) =>
      findingAt('text', { text, offset }, 'rule.text.htmlComment', { mark }),
    );
}

/** The text with these stretches blanked, every offset as it was. */
function maskedCode(text: string, stretches: readonly Stretch[]): string {
  let masked = '';
  let from = 0;
  for (const { start, end } of stretches.toSorted((one, other) => one.start - other.start)) {
    masked += text.slice(from, start) + ' '.repeat(end - start);
    from = end;
  }
  return masked + text.slice(from);
}

/** Without recursion: the tree may be deeper than the stack. */
function sizeOf(tree: Node): { nodes: number; depth: number } {
  let nodes = 0;
  let depth = 0;
  for (let level: Node[] = [tree]; level.length > 0; level = level.flatMap(childrenOf)) {
    nodes += level.length;
    depth += 1;
    if (nodes > NODES_MAX || depth > DEPTH_MAX) break;
  }
  return { nodes, depth };
}
