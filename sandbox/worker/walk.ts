/**
 * A walk over every object that a program can reach in its realm: nothing may be left to be changed.
 *
 * It runs inside an isolate, as text, and is called once the realm is closed.
 * Guarantee: it follows every property, accessor and prototype from the global object and from one of every kind of
 * object that syntax alone makes. It names each object that is not frozen, and each accessor through which a value
 * can be left on a frozen object and found again.
 * Not covered: slots that are no properties, such as private names stamped on a frozen object; admission refuses
 * what writes to those.
 */

import { STRICT } from './realm.ts';

export interface WalkReport {
  /** How many objects it looked at. */
  readonly objects: number;
  /** What is wrong, as paths. */
  readonly found: readonly string[];
}

/** The script that leaves the walk on the global object, as `$walk`, before the realm takes away what it looks with. */
export const WALK_SCRIPT = `${STRICT}globalThis.$walk = (${makeWalk.toString()})(${everyKind.toString()});`;

/** One of each kind of object that needs no name; their prototypes are shared by all records. */
function everyKind(ownKeys: typeof Reflect.ownKeys): readonly (readonly [string, unknown])[] {
  const { getPrototypeOf } = Object;
  const firstSymbol = (holder: object): symbol =>
    ownKeys(holder).find((key): key is symbol => typeof key === 'symbol')!;
  let fault: unknown = null;
  try {
    (null as unknown as () => void)();
  } catch (error) {
    fault = error;
  }
  const promise = (async () => {})();
  return [
    ['function', () => {}],
    ['async function', async () => {}],
    ['generator function', function* () {}],
    ['async generator function', async function* () {}],
    ['generator', getPrototypeOf((function* () {})())],
    ['async generator', getPrototypeOf((async function* () {})())],
    ['array', []],
    ['object', {}],
    ['expression', /x/],
    ['error', fault],
    ['promise', promise],
    ['symbol', firstSymbol(Array.prototype)],
    ['bigint', 1n],
    ['string', 'x'],
    ['number', 1],
    ['boolean', true],
    ['array iterator', [].values()],
    ['string iterator', String.prototype[firstSymbol(String.prototype) as typeof Symbol.iterator]()],
    ['map iterator', new Map().entries()],
    ['set iterator', new Set().values()],
    ['expression iterator', 'x'.matchAll(/x/g)],
  ];
}

function makeWalk(kinds: typeof everyKind): () => WalkReport {
  const { ownKeys, apply } = Reflect;
  const { getPrototypeOf, getOwnPropertyDescriptor, isFrozen, freeze } = Object;
  const Seen = Set;
  const print = String;
  const global: object = globalThis;

  /** Whether a value set through it on a frozen object can be read again. */
  const stores = (descriptor: PropertyDescriptor, holder: unknown): boolean => {
    const [get, set] = [descriptor['get'], descriptor['set']];
    if (set === undefined || get === undefined) return false;
    return [holder, freeze({}), freeze([]), freeze(() => {})].some((target) => {
      const mark = freeze({});
      try {
        apply(set, target, [mark]);
      } catch {
        // What refuses stores nothing.
      }
      try {
        return apply(get, target, []) === mark;
      } catch {
        return false;
      }
    });
  };

  return () => {
    const found: string[] = [];
    const seen = new Seen<unknown>();
    const queue: (readonly [string, unknown])[] = [];
    const add = (path: string, value: unknown): void => {
      const isObject = typeof value === 'function' || (typeof value === 'object' && value !== null);
      if (!isObject || seen.has(value)) return;
      seen.add(value);
      queue.push([path, value]);
    };
    // A fresh object is a record's own; what it leads to is everybody's.
    for (const [path, value] of kinds(ownKeys)) {
      add(`${path}.prototype`, getPrototypeOf(value));
      if (typeof value === 'function') add(path, getPrototypeOf(value.prototype ?? value));
    }
    add('global', global);
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      const [path, value] = next;
      if (!isFrozen(value)) found.push(`${path} is not frozen`);
      add(`${path}.prototype`, getPrototypeOf(value));
      for (const key of ownKeys(value as object)) {
        const descriptor = getOwnPropertyDescriptor(value, key)!;
        const name = `${path}.${print(key)}`;
        for (const part of ['value', 'get', 'set'] as const) {
          add(part === 'value' ? name : `${part} ${name}`, descriptor[part]);
        }
        if (stores(descriptor, value)) found.push(`${name} stores`);
      }
    }
    return { objects: seen.size, found };
  };
}
