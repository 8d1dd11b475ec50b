/** A rule of the repository's law: a name, and what it finds wrong with one file. */
import { lineAt, SOURCE_FOLDERS, type SourceFile, type SyntaxNode } from './source.ts';

/** The folders of the product, as places for `isIn`. */
export const SOURCES: readonly string[] = SOURCE_FOLDERS.map((folder) => `${folder}/`);

export interface Rule {
  /** A sentence that is true of every file that keeps the rule. */
  readonly name: string;
  /** One finding per breach, `path:line what`; empty when the file keeps the rule. */
  readonly check: (file: SourceFile) => string[];
}

/** A finding at a line, or at a node of the tree. */
export function finding(file: SourceFile, at: number | SyntaxNode, what: string): string {
  const line = typeof at === 'number' ? at : lineAt(file.text, at.start);
  return `${file.path}:${line} ${what}`;
}

/** Whether a path is one of these files, or lies in one of these folders (which end in a slash). */
export function isIn(path: string, places: Iterable<string>): boolean {
  for (const place of places)
    if (place === path || (place.endsWith('/') && path.startsWith(place))) return true;
  return false;
}
