/**
 * The fields that a manifest's schema knows, read from the schema itself: for suggestions and for the manual.
 */
import * as z from 'zod';

import type { FieldPath } from './fault.ts';

/** Every field of a schema as a dotted path; `*` stands for a name that the author chooses. */
export function fieldsOf(schema: z.ZodType): readonly string[] {
  const found: string[] = [];
  walk(schema, '', found);
  return [...new Set(found)];
}

function walk(schema: z.ZodType, prefix: string, found: string[]): void {
  for (const inner of unwrapped(schema)) {
    for (const [name, child] of childrenOf(inner)) {
      const path = prefix === '' ? name : `${prefix}.${name}`;
      if (name !== '*') found.push(path);
      walk(child, path, found);
    }
  }
}

/** The field names allowed at a place in a file. */
export function namesAt(schema: z.ZodType, place: FieldPath): readonly string[] {
  let schemas = unwrapped(schema);
  for (const part of place) {
    schemas = schemas.flatMap((inner) =>
      childrenOf(inner)
        .filter(([name]) => name === part || name === '*')
        .flatMap(([, child]) => unwrapped(child)),
    );
  }
  return schemas.flatMap((inner) => childrenOf(inner).map(([name]) => name)).filter((name) => name !== '*');
}

/** The schema without `optional`, or the alternatives of a union. */
function unwrapped(schema: z.ZodType): z.ZodType[] {
  if (schema instanceof z.ZodOptional) return unwrapped(schema.unwrap() as z.ZodType);
  if (schema instanceof z.ZodUnion) return schema.options.flatMap((option) => unwrapped(option as z.ZodType));
  return [schema];
}

function childrenOf(schema: z.ZodType): [string, z.ZodType][] {
  if (schema instanceof z.ZodObject) return Object.entries<z.ZodType>(schema.shape);
  if (schema instanceof z.ZodRecord) return [['*', schema.valueType as z.ZodType]];
  return [];
}

/** The known name that a mistyped one probably means, or null: at most two edits, and fewer than half the letters. */
export function nearestName(typed: string, known: readonly string[]): string | null {
  let best: string | null = null;
  let bestDistance = Math.min(2, Math.floor((typed.length - 1) / 2));
  for (const name of known) {
    if (Math.abs(name.length - typed.length) > 2) continue;
    const distance = name.toLowerCase() === typed.toLowerCase() ? 0 : editDistance(typed, name);
    if (distance > bestDistance || (best !== null && distance === bestDistance)) continue;
    best = name;
    bestDistance = distance;
  }
  return best;
}

/** Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment). */
function editDistance(from: string, to: string): number {
  const rows: number[][] = [Array.from({ length: to.length + 1 }, (_, column) => column)];
  for (let i = 1; i <= from.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= to.length; j += 1) row.push(cellOf({ rows, row, from, to, i, j }));
    rows.push(row);
  }
  return rows.at(-1)?.at(-1) ?? 0;
}

interface Cell {
  readonly rows: readonly (readonly number[])[];
  readonly row: readonly number[];
  readonly from: string;
  readonly to: string;
  readonly i: number;
  readonly j: number;
}

function cellOf({ rows, row, from, to, i, j }: Cell): number {
  const at = (line: readonly number[] | undefined, column: number): number => line?.[column] ?? Infinity;
  const above = rows[i - 1];
  const change = from[i - 1] === to[j - 1] ? 0 : 1;
  const swapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
  return Math.min(
    at(above, j) + 1,
    at(row, j - 1) + 1,
    at(above, j - 1) + change,
    swapped ? at(rows[i - 2], j - 2) + 1 : Infinity,
  );
}
