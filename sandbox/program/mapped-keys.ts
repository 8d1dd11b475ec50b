/**
 * The columns of every `by` of a program: each once, in the order of the file, with one public list.
 *
 * Guarantee: values of one type and no value twice; a column that is one of the inputs lists values of its type.
 * Refuses TYPE. No value is named in a message.
 */
import { Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import type { Scalar } from '../expression.ts';
import type { ByColumn, ProgramOutput } from './program.ts';

/** What is read, as far as types go. */
type Readable = readonly {
  readonly columns: readonly { readonly name: string; readonly kind: 'number' | 'boolean' | 'text' }[];
}[];

export type KeyType = 'number' | 'boolean' | 'string';

export function keysOfOutputs(outputs: readonly ProgramOutput[], sources: Readable): readonly ByColumn[] {
  const columns = new Map<string, ByColumn>();
  for (const { name, by } of outputs) {
    for (const column of by) {
      const known = columns.get(column.name);
      const type = typeOfValues(column.values);
      const declared = declaredType(column.name, sources) ?? type;
      const isList =
        type !== null &&
        type === declared &&
        new Set(column.values).size === column.values.length &&
        (known === undefined || sameList(known.values, column.values));
      if (!isList)
        throw new Refusal('TYPE', say('plan.by', { name, by: column.name, type: declared ?? 'string' }));
      columns.set(column.name, column);
    }
  }
  return [...columns.values()];
}

/** The one type of some values, NULL aside; null where there is none, or several. */
export function typeOfValues(values: readonly Scalar[]): KeyType | null {
  const types = new Set(values.filter((value) => value !== null).map((value) => typeof value as KeyType));
  const [type] = types;
  return type !== undefined && types.size === 1 ? type : null;
}

function declaredType(name: string, sources: Readable): KeyType | null {
  const kind = sources.flatMap(({ columns }) => columns).find((column) => column.name === name)?.kind;
  return kind === 'text' ? 'string' : (kind ?? null);
}

function sameList(a: readonly Scalar[], b: readonly Scalar[]): boolean {
  return a.length === b.length && a.every((value, index) => value === b[index]);
}
