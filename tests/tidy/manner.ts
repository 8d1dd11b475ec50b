/** The manner: how a file begins, how long it and its functions may be, and what must not be left in it. */
import { posix } from 'node:path';
import { finding, isIn, type Rule, SOURCES } from './rule.ts';
import { isNode, lineAt, nameOf, type SyntaxNode } from './source.ts';

export const opensWithItsPurpose: Rule = {
  name: 'a file of code opens with a comment whose first sentence says what it is for',
  check: (file) => {
    if (file.nodes.length === 0) return [];
    const head = /^(?:#![^\n]*\n)?(?:\/\/ @ts-check\n)?\/\*\*([\s\S]*?)\*\//.exec(file.text)?.[1] ?? '';
    const words = head.replace(/^\s*\*? ?/gm, ' ').trim();
    const opensWell = /^[\p{L}`][^]{15,}?[.:](?:\s|$)/u.test(words);
    return opensWell ? [] : [finding(file, 1, 'does not open by saying what it is for')];
  },
};

const MAX_FILE_LINES = 500;
const MAX_FUNCTION_LINES = 80;

/** Files longer than the rule allows, with the length they had when they were let in: it may only fall. */
const LONG_FILES: Readonly<Record<string, number>> = {};
/** Functions longer than the rule allows, as `path name`. */
const LONG_FUNCTIONS: Readonly<Record<string, number>> = {};

export const filesAreShort: Rule = {
  name: `a file of code has at most ${MAX_FILE_LINES} lines`,
  check: (file) => {
    if (file.nodes.length === 0) return [];
    const lines = file.text.trimEnd().split('\n').length;
    return ratchet(lines, MAX_FILE_LINES, LONG_FILES[file.path]).map((what) => finding(file, 1, what));
  },
};

export const functionsAreShort: Rule = {
  name: `a function has at most ${MAX_FUNCTION_LINES} lines`,
  check: (file) => {
    if (!isIn(file.path, SOURCES)) return [];
    return file.nodes.filter(isFunction).flatMap((node) => {
      const lines = lineAt(file.text, node.end) - lineAt(file.text, node.start) + 1;
      const allowed = LONG_FUNCTIONS[`${file.path} ${functionName(node)}`];
      return ratchet(lines, MAX_FUNCTION_LINES, allowed).map((what) => finding(file, node, what));
    });
  },
};

/** What is wrong with a length, given the limit and an exception: an exception that is too generous is wrong too. */
export function ratchet(lines: number, limit: number, allowed: number | undefined): string[] {
  if (allowed === undefined) return lines > limit ? [`has ${lines} lines, more than ${limit}`] : [];
  if (lines > allowed) return [`has grown from ${allowed} to ${lines} lines`];
  if (lines <= limit) return [`has ${lines} lines: remove its exception`];
  return lines < allowed ? [`has ${lines} lines: lower its exception from ${allowed}`] : [];
}

function isFunction(node: SyntaxNode): boolean {
  return /^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/.test(node.type);
}

function functionName(node: SyntaxNode): string {
  return isNode(node['id']) ? (nameOf(node['id']) ?? '') : '';
}

export const namesAreOurs: Rule = {
  name: 'files are kebab-case nouns; there are no barrels and no drawers for odds and ends',
  check: (file) => {
    if (!isIn(file.path, [...SOURCES, 'tests/'])) return [];
    const parts = file.path.split('/');
    const name = posix.basename(file.path);
    const bad = [
      !/^[a-z0-9]+([-.][a-z0-9]+)*\.[a-z]+$/i.test(name) || /[A-Z]/.test(name) ? 'is not kebab-case' : '',
      /^(index|utils?|helpers?|common|shared|types|misc)\.ts$/.test(name)
        ? 'has a name that says nothing'
        : '',
      parts.some((part) => /^(utils?|helpers?|common|shared|types|misc)$/.test(part))
        ? 'lies in a drawer'
        : '',
    ];
    return bad.filter((what) => what !== '' && file.nodes.length > 0).map((what) => finding(file, 1, what));
  },
};

/** Files that must name what they forbid. */
const THE_LAW = ['tests/tidy/', 'tests/tidy.test.ts'];

const UNFINISHED =
  /\b(TODO|FIXME|XXX|HACK|not (yet )?implemented|for now|stubbed|coming soon|lorem ipsum)\b/i;
const VACANT = /\bplaceholders?\b/i;
/** Where the word is a term: what a sentence leaves open for its arguments. */
const PLACEHOLDER_IS_A_TERM = ['policies/words.ts', 'policies/words/', 'gateway/storage/', 'tests/'];

export const nothingIsUnfinished: Rule = {
  name: 'nothing is marked as unfinished',
  check: (file) =>
    file.text.split('\n').flatMap((line, index) => {
      if (isIn(file.path, [...THE_LAW, 'docs/'])) return [];
      const word =
        UNFINISHED.exec(line) ?? (isIn(file.path, PLACEHOLDER_IS_A_TERM) ? null : VACANT.exec(line));
      return word === null ? [] : [finding(file, index + 1, `says \`${word[0]}\``)];
    }),
};

/** Spelt with brackets, so that not even this line names one. */
const OUTSIDE = /\.\.\/[s]hared\b|\/[w]ork\/|\/[r]oot\/|\/tmp\/[b]ash_jobs/;

export const projectStandsAlone: Rule = {
  name: 'no file names a path outside the project',
  check: (file) =>
    file.text.split('\n').flatMap((line, index) => {
      const path = OUTSIDE.exec(line);
      return path === null ? [] : [finding(file, index + 1, `names \`${path[0]}\``)];
    }),
};

export const testsAssert: Rule = {
  name: 'a test file asserts something, and runs whole',
  check: (file) => {
    if (!file.path.endsWith('.test.ts')) return [];
    const calls = file.nodes
      .filter((node) => node.type === 'CallExpression')
      .map((node) => nameOf(node['callee']));
    const narrowed = file.nodes.filter((node) =>
      /^(test|it|describe)\.(only|skip|todo|fails)$/.test(nameOf(node) ?? ''),
    );
    return [
      ...(calls.includes('expect') ? [] : [finding(file, 1, 'expects nothing')]),
      ...narrowed.map((node) => finding(file, node, `has a \`${nameOf(node)}\``)),
    ];
  },
};

const SILENCED =
  /@ts-(ignore|nocheck)|(?:@ts-expect-error|(?:oxlint|eslint)-disable(?:-next-line|-line)?)(?<rest>[^\n]*)/g;

export const checksAreSilencedWithReason: Rule = {
  name: 'a check is silenced only on one line and with its reason after `--`',
  check: (file) => {
    if (file.nodes.length === 0 || isIn(file.path, THE_LAW)) return [];
    return [...file.text.matchAll(SILENCED)]
      .filter((match) => match[1] !== undefined || !/ (--|because) \S/.test(match.groups?.['rest'] ?? ''))
      .map((match) =>
        finding(file, lineAt(file.text, match.index), `silences a check by \`${match[0].trim()}\``),
      );
  },
};

const HAN = /\p{Script=Han}/u;
/** Where Chinese may stand alone, and why. */
const MAY_SPEAK_CHINESE: Readonly<Record<string, string>> = {
  'gateway/bin.js': 'it runs before TypeScript, and so the table of sentences, can be read',
  'sandbox/program/admission/rules/text.ts': 'its examples are programs that hold Chinese',
  'gateway/billing/amount-in-words.ts': 'it writes amounts in Chinese, and beside them in English',
  'gateway/demo/': 'it makes data, whose values are Chinese',
  'sandbox/program/mock.ts': 'it makes records, whose values are Chinese',
};

export const chineseStandsBesideEnglish: Rule = {
  name: 'Chinese that a person may read stands as `zh` beside its `en`',
  check: (file) => {
    if (!isIn(file.path, SOURCES) || isIn(file.path, Object.keys(MAY_SPEAK_CHINESE))) return [];
    const paired = file.nodes.filter((node) => node.type === 'ObjectExpression').flatMap(translationOf);
    return file.nodes
      .filter((node) => HAN.test(textOf(node)))
      .filter((node) => !paired.some(({ start, end }) => start <= node.start && node.end <= end))
      .map((node) => finding(file, node, 'holds Chinese without its English'));
  },
};

/** The `zh` of an object that also has an `en`. */
function translationOf(object: SyntaxNode): SyntaxNode[] {
  const fields = new Map(
    (object['properties'] as SyntaxNode[]).map((field) => [nameOf(field['key']), field]),
  );
  const chinese = fields.get('zh');
  return chinese !== undefined && fields.has('en') ? [chinese] : [];
}

function textOf(node: SyntaxNode): string {
  if (node.type === 'Literal' && typeof node['value'] === 'string') return node['value'];
  return node.type === 'TemplateElement' ? JSON.stringify(node['value']) : '';
}
