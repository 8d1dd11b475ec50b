/**
 * The text of a manifest: a bounded file, and YAML 1.2 (or JSON) into plain values.
 *
 * Guarantee: time and memory are linear in the size of the file, which is at most 1 MiB; the core schema is
 * used whatever the file says, so `1e-6` is a number and `2024-01-31`, `yes` and `no` stay text; a field stated
 * twice, a tag, a second document, a name that JavaScript would drop, NUL and lone surrogates are refused.
 * Not covered: which fields there may be (`datasetSchema`, `policySchema`).
 *
 * YAML 1.2.2, core schema: https://yaml.org/spec/1.2.2/#103-core-schema
 */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';

import { Composer, Lexer, Parser, isScalar, visit } from 'yaml';
import type { CST, Document, Scalar as YamlScalar, YAMLError, YAMLMap } from 'yaml';

import { faultOf } from './fault.ts';

/** Largest manifest in bytes. */
export const MANIFEST_BYTES_MAX = 1_048_576;
/** Deepest nesting the parser may build; the deepest legal field needs less than a third. */
const DEPTH_MAX = 48;
/** Most lexical tokens: 10,000 listed values need about 50,000. Bounds what the parser keeps per token. */
const TOKENS_MAX = 200_000;
/** How often aliases may be expanded, counted as the yaml package does. */
const ALIASES_MAX = 100;

/** One text with the name that messages give it. */
interface Source {
  readonly text: string;
  readonly file: string;
}

/** Reads a manifest file. CONFIG when it is missing, not a regular file, too large or not UTF-8. */
export function readManifestText(path: string): string {
  let descriptor: number;
  try {
    // Without O_NONBLOCK a FIFO would wait for a writer for ever.
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    throw faultOf(path, [], 'manifest.unreadable');
  }
  try {
    return readOpened(descriptor, path);
  } finally {
    closeSync(descriptor);
  }
}

function readOpened(descriptor: number, path: string): string {
  const found = fstatSync(descriptor);
  if (!found.isFile()) throw faultOf(path, [], 'manifest.notFile');
  if (found.size > MANIFEST_BYTES_MAX) throw tooLarge(path);
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(descriptor);
  } catch {
    throw faultOf(path, [], 'manifest.unreadable');
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw faultOf(path, [], 'manifest.notUtf8');
  }
}

function tooLarge(file: string): Error {
  return faultOf(file, [], 'manifest.tooLarge', { limit: MANIFEST_BYTES_MAX });
}

/** Parses a manifest into plain values, a mapping at the top. CONFIG, with line and column, when it cannot. */
export function parseManifestText(text: string, file: string): Readonly<Record<string, unknown>> {
  if (Buffer.byteLength(text) > MANIFEST_BYTES_MAX) throw tooLarge(file);
  const source = { text, file };
  const document = composeOne(source);
  const fault = document.errors[0] ?? document.warnings[0];
  if (fault) throw yamlFault(fault.code, fault.pos[0], source);
  visit(document, {
    Scalar: (_, node) => checkScalar(node, source),
    Map: (_, node) => checkFields(node, source),
  });
  return rootOf(document, file);
}

function composeOne(source: Source): Document {
  const composer = new Composer({
    schema: 'core',
    merge: false,
    resolveKnownTags: false,
    strict: true,
    stringKeys: true,
    // The package compares each key with each earlier one; `checkFields` does it in linear time.
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: 'silent',
  });
  let first: Document | undefined;
  for (const document of composer.compose(boundedTokens(source), true, source.text.length)) {
    if (first) throw faultOf(source.file, [], 'manifest.severalDocuments');
    first = document;
  }
  if (!first) throw new RangeError('the composer gave no document');
  return first;
}

// Depth, number of parts and the first stray token are refused while the text is read, before anything
// recurses over them or collects them.
function* boundedTokens(source: Source): Generator<CST.Token, void> {
  const parser = new Parser();
  let count = 0;
  for (const lexeme of new Lexer().lex(source.text)) {
    for (const token of parser.next(lexeme)) {
      if (token.type === 'error') throw yamlFault('UNEXPECTED_TOKEN', token.offset, source);
      yield token;
    }
    count += 1;
    if (count > TOKENS_MAX || parser.stack.length > DEPTH_MAX) {
      const { line } = placeOf(source.text, parser.offset);
      throw faultOf(source.file, [], 'manifest.tooComplex', { line });
    }
  }
  yield* parser.end();
}

function yamlFault(problem: YAMLError['code'], offset: number, source: Source): Error {
  const place = placeOf(source.text, offset);
  if (problem === 'TAG_RESOLVE_FAILED') return faultOf(source.file, [], 'manifest.tag', place);
  return faultOf(source.file, [], 'manifest.brokenYaml', { ...place, problem });
}

/** Line and column, both from 1, of an offset. */
function placeOf(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset).split('\n');
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}

function checkScalar(node: YamlScalar, source: Source): void {
  if (typeof node.value !== 'string') return;
  if (node.value.isWellFormed() && !node.value.includes('\0')) return;
  throw faultOf(source.file, [], 'manifest.badCharacter', placeOf(source.text, node.range?.[0] ?? 0));
}

/** Every field of a mapping is named once, by a name that a JavaScript object can hold. */
function checkFields(map: YAMLMap, source: Source): void {
  const seen = new Set<string>();
  for (const { key } of map.items) {
    // `stringKeys` has refused everything but scalars.
    if (!isScalar(key)) throw new RangeError('a field whose name is no scalar');
    const name = String(key.value);
    if (name === '__proto__' || seen.has(name)) {
      const rule = seen.has(name) ? 'manifest.duplicateField' : 'manifest.reservedField';
      throw faultOf(source.file, [name], rule, placeOf(source.text, key.range?.[0] ?? 0));
    }
    seen.add(name);
  }
}

function rootOf(document: Document, file: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: ALIASES_MAX });
  } catch {
    throw faultOf(file, [], 'manifest.aliases');
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw faultOf(file, [], 'manifest.root');
  }
  return value as Readonly<Record<string, unknown>>;
}
