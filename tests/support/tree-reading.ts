/**
 * PostgreSQL's tree read field by field: whatever is not asked for is an error, and so is a constant of no known kind.
 */
import type { Scalar, ScalarType } from '#sandbox/expression.ts';
import { canonicalTimestamp } from './reference-expression.ts';

/** A part of an accepted statement that has no meaning here. */
export class Unexplained extends Error {}

/** The fields of a node as the parser gives them. */
export type Fields = Readonly<Record<string, unknown>>;

/** Fields that say where a node stood, or how PostgreSQL would store what it names. */
const WITHOUT_MEANING = new Set([
  'location',
  'rexpr_list_start',
  'rexpr_list_end',
  'funcformat',
  'inh',
  'relpersistence',
  'ctematerialized',
]);

/** Gives a node's fields to `read` and makes sure that it asks for every one of them. */
export function readFields<T>(fields: Fields, read: (fields: Fields) => T): T {
  const asked = new Set<string | symbol>();
  const watched = new Proxy(fields, {
    get: (target, field) => {
      asked.add(field);
      return Reflect.get(target, field) as unknown;
    },
  });
  const result = read(watched);
  const unread = Object.keys(fields).find((field) => !asked.has(field) && !WITHOUT_MEANING.has(field));
  if (unread !== undefined) throw new Unexplained(`${unread} was not read`);
  return result;
}

export function readNode<T>(node: unknown, kind: string, read: (fields: Fields) => T): T {
  const [found, fields] = Object.entries((node ?? {}) as Fields)[0] ?? ['nothing', {}];
  if (found !== kind) throw new Unexplained(`${found} where ${kind} belongs`);
  return readFields(fields as Fields, read);
}

export const listOf = (value: unknown): readonly unknown[] => (value as readonly unknown[] | undefined) ?? [];
export const textOf = (node: unknown): string =>
  readNode(node, 'String', (fields) => (fields['sval'] ?? '') as string);

export function only(value: unknown, ...allowed: readonly unknown[]): void {
  if (value !== undefined && !allowed.includes(value))
    throw new Unexplained(`${JSON.stringify(value)} has no meaning`);
}

export function constantOf(node: unknown): Scalar {
  const sign = (node as Fields)['A_Expr'] as Fields | undefined;
  if (sign !== undefined) {
    return readFields(sign, (fields) => {
      only(fields['kind'], 'AEXPR_OP');
      only(fields['lexpr'], undefined);
      const [name] = listOf(fields['name']).map(textOf);
      const value = Number(constantOf(fields['rexpr']));
      only(name, '-', '+');
      return name === '-' ? -value : value;
    });
  }
  if ('TypeCast' in (node as Fields)) {
    const { value } = readCast((node as Fields)['TypeCast'] as Fields);
    return value;
  }
  return readNode(node, 'A_Const', constantValue);
}

export function constantValue(fields: Fields): Scalar {
  const part = (field: string): string | number | boolean | undefined => {
    const inner = fields[field] as Fields | undefined;
    return inner && readFields(inner, (value) => (value[field] ?? '') as string | number | boolean);
  };
  if (fields['isnull'] === true) return null;
  const [text, flag, whole, decimal] = [part('sval'), part('boolval'), part('ival'), part('fval')];
  if (text !== undefined) return String(text);
  if (flag !== undefined) return flag === true;
  // Zero, like every other default, is left out of the tree.
  if (whole !== undefined) return Number(whole);
  if (decimal === undefined) throw new Unexplained('a constant of another kind');
  return Number(String(decimal).replaceAll('_', ''));
}

export function readCast(fields: Fields): { type: ScalarType; value: Scalar } {
  return readFields(fields, (cast) => {
    const type = readFields(cast['typeName'] as Fields, (name) => {
      only(name['typemod'], -1);
      const parts = listOf(name['names']).map(textOf);
      if (parts.length > 1) only(parts[0], 'pg_catalog');
      return parts.at(-1)!;
    });
    const value = constantOf(cast['arg']);
    if (typeof value === 'number' && (type === 'float8' || type === 'numeric'))
      return { type: 'number', value };
    if (typeof value !== 'string' || (type !== 'date' && type !== 'timestamp'))
      throw new Unexplained(`a cast to ${type}`);
    return { type, value: instant(value, type) };
  });
}

/** The text of a day or an instant in the form in which rows hold it. */
export function instant(text: string, type: ScalarType): string {
  const [day = '', time = '00:00:00'] = text.trim().split(/[ T]/);
  if (type === 'date') return day;
  const [hour = '', minute = '00', second = '00'] = time.split(':');
  return canonicalTimestamp(`${day}T${hour}:${minute}:${second}`);
}
