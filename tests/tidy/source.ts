/**
 * The project's own files as the law sees them: path, text, syntax tree, and what each file reaches.
 *
 * Rules read the tree and not the text where they can, so that a comment which *names* a forbidden call
 * does not break the law, and a forbidden call spread over two lines does.
 */
import { globSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { parseAst } from 'vitest/node';

export const SOURCE_FOLDERS = ['gateway', 'sandbox', 'crypto', 'policies'] as const;

export interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [field: string]: unknown;
}

export interface SourceFile {
  /** From the project's root, with forward slashes. */
  readonly path: string;
  readonly text: string;
  /** Every node of the tree, parents first; empty for files that hold no code. */
  readonly nodes: readonly SyntaxNode[];
}

/** What a module asks for: `#folder/…`, `./…`, `node:…` or a package. */
export interface Reach {
  readonly specifier: string;
  readonly line: number;
}

/** Reads every file of ours that holds code. */
export function codeFiles(): SourceFile[] {
  return read(['{gateway,sandbox,crypto,policies,tests,.ci}/**/*.ts', 'gateway/bin.js', '*.ts']);
}

/** Reads every file of ours that people wrote as text: code, documents, settings, data. */
export function textFiles(): SourceFile[] {
  const written = 'ts,js,mjs,json,md,yaml,yml,sql,cedar,cedarschema,sh,html,css,Dockerfile';
  return read([
    `{gateway,sandbox,crypto,policies,tests,docker,docs}/**/*.{${written}}`,
    `.ci/*`,
    `*.{${written}}`,
  ]).filter((file) => file.path !== 'package-lock.json');
}

function read(patterns: readonly string[]): SourceFile[] {
  const paths = new Set(patterns.flatMap((pattern) => globSync(pattern)));
  return [...paths].sort().map((path) => sourceFile(path, readFileSync(path, 'utf8')));
}

/** A file as the rules take it; negative controls build theirs with it too. Parsed when a rule first asks. */
export function sourceFile(path: string, text: string): SourceFile {
  let nodes: readonly SyntaxNode[] | undefined;
  return {
    path,
    text,
    get nodes() {
      return (nodes ??= /\.(ts|js)$/.test(path) ? [...walk(parse(text))] : []);
    },
  };
}

function parse(text: string): SyntaxNode {
  // The parser knows no `#!` line; blanks keep every offset where it was.
  const code = text.replace(/^#![^\n]*/, (line) => ' '.repeat(line.length));
  return parseAst(code, { lang: 'ts' }) as unknown as SyntaxNode;
}

function* walk(node: SyntaxNode): Generator<SyntaxNode> {
  yield node;
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) yield* walk(child);
  }
}

export function isNode(value: unknown): value is SyntaxNode {
  return (
    typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string'
  );
}

/** The line, from 1, that an offset is on. */
export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}

/** The top-level folder a path lies in; '' for a file of the root. */
export function folderOf(path: string): string {
  const slash = path.indexOf('/');
  return slash < 0 ? '' : path.slice(0, slash);
}

/** Everything a module imports, re-exports, or loads by a literal, types included. */
export function importsOf(file: SourceFile): Reach[] {
  return file.nodes.flatMap((node) => {
    const literal =
      node.type === 'CallExpression' ? required(node) : IMPORTING.has(node.type) ? node['source'] : null;
    return reachOf(file, literal);
  });
}

/** Modules named by address, `new URL('./main.ts', import.meta.url)`: what we start in another process. */
export function addressesOf(file: SourceFile): Reach[] {
  return file.nodes.flatMap((node) => {
    if (node.type !== 'NewExpression' || nameOf(node['callee']) !== 'URL') return [];
    const [address, base] = node['arguments'] as SyntaxNode[];
    return base !== undefined && nameOf(base) === 'import.meta.url' ? reachOf(file, address) : [];
  });
}

const IMPORTING = new Set([
  'ImportDeclaration',
  'ExportNamedDeclaration',
  'ExportAllDeclaration',
  'ImportExpression',
  'TSImportType',
]);

function required(call: SyntaxNode): unknown {
  return ['require', 'require.resolve', 'import.meta.resolve'].includes(nameOf(call['callee']) ?? '')
    ? (call['arguments'] as unknown[])[0]
    : null;
}

function reachOf(file: SourceFile, literal: unknown): Reach[] {
  if (!isNode(literal) || literal.type !== 'Literal' || typeof literal['value'] !== 'string') return [];
  return [{ specifier: literal['value'], line: lineAt(file.text, literal.start) }];
}

/** A name or a dotted path of names, `process.env`, `import.meta.url`; undefined for anything else. */
export function nameOf(value: unknown): string | undefined {
  if (!isNode(value)) return undefined;
  if (value.type === 'Identifier') return String(value['name']);
  if (value.type === 'MetaProperty') return `${nameOf(value['meta'])}.${nameOf(value['property'])}`;
  if (value.type !== 'MemberExpression') return undefined;
  const owner = nameOf(value['object']);
  const property = value['property'] as SyntaxNode;
  const name = value['computed'] ? property['value'] : nameOf(property);
  return owner === undefined || typeof name !== 'string' ? undefined : `${owner}.${name}`;
}

/** The path, from the project's root, that a relative specifier stands for. */
export function resolveFrom(path: string, specifier: string): string {
  return posix.normalize(posix.join(posix.dirname(path), specifier));
}
