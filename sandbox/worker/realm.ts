/**
 * The realm that a stateless program runs in: every object it can reach is frozen, and every name it does not need is gone.
 *
 * The functions here run inside an isolate, as the text that `String` gives of them, so they use nothing of this
 * file; what they leave for one another lies on the isolate's global object until `$open` clears it.
 * Guarantee: after `$open` the free names of a program are ALLOWED_GLOBALS, and those of a printed one also `$harden` and
 * `$iterator`; there is no clock, no randomness, no locale, no symbol, no way to the functions behind a property, no
 * iterator but the engine's own, and nothing that can be changed is reachable (walk.ts looks for it).
 * Not covered: what syntax alone can keep (private names stamped on frozen objects, variables of a module): admission
 * refuses it.
 *
 * V8 writes to five objects while it starts a context from a snapshot, and aborts the process where one of them is
 * frozen (measured, V8 13.6). They are left open in the snapshot and hardened by `$open`.
 */

/** The names that a program may use without declaring them. */
export const ALLOWED_GLOBALS: readonly string[] = (
  'Array BigInt Boolean Date JSON Map Math Number Object RegExp Set String ' +
  'Error EvalError RangeError ReferenceError SyntaxError TypeError URIError ' +
  'Infinity NaN undefined isFinite isNaN parseFloat parseInt'
).split(' ');

/** Longest text or list that one call makes: as long as the longest parameter. */
const LONGEST = 2 ** 20;

/** SES: no evaluation of text, tame Date, Math, RegExp and Error, no locale; nothing is reported to a console. */
const LOCKDOWN = {
  evalTaming: 'noEval',
  localeTaming: 'safe',
  errorTaming: 'safe',
  overrideTaming: 'min',
  errorTrapping: 'none',
  unhandledRejectionTrapping: 'none',
  consoleTaming: 'unsafe',
  regExpTaming: 'safe',
  reporting: 'none',
  stackFiltering: 'verbose',
  domainTaming: 'unsafe',
} as const;

/** A function of a module is strict; its text, alone, is not. */
export const STRICT = "'use strict';";

/** What the steps below leave on the global object for one another. */
interface Steps {
  $late: object[];
  $restoreFreeze: () => void;
  $harden: <T>(value: T) => T;
  $open: <T>(start: () => T) => T;
  harden: <T>(value: T) => T;
  Compartment: new () => { globalThis: Record<string, unknown> };
}

/** The scripts that make a hardened realm, in order; `sesText` is the library's own distribution. */
export function lockedScripts(sesText: string): readonly string[] {
  return [
    `${STRICT}(${leaveFiveOpen.toString()})()`,
    sesText,
    `${STRICT}(${dropPowers.toString()})()`,
    `${STRICT}(${boundSizes.toString()})(${LONGEST})`,
    `lockdown(${JSON.stringify(LOCKDOWN)})`,
    `${STRICT}(${keepOpener.toString()})(${JSON.stringify(ALLOWED_GLOBALS)})`,
  ];
}

/** The scripts of a realm for blocks: nothing is frozen, and `$open` takes away what a block has no use for. */
export function looseScripts(): readonly string[] {
  return [`${STRICT}(${keepLooseOpener.toString()})(${JSON.stringify(GONE_FROM_BLOCKS)})`];
}

/** SES takes its `Object.freeze` while it is evaluated: this one passes over the five. */
function leaveFiveOpen(): void {
  const steps = globalThis as unknown as Steps;
  const { getPrototypeOf } = Object;
  const iterator = getPrototypeOf(getPrototypeOf([].values())) as object;
  const asyncIterator = getPrototypeOf(getPrototypeOf(getPrototypeOf((async function* () {})()))) as object;
  const late: object[] = [Promise, Math, iterator, asyncIterator, DataView.prototype];
  const freeze = Object.freeze;
  Object.freeze = <T>(value: T): Readonly<T> => {
    for (const open of late) if ((value as unknown) === open) return value;
    return freeze(value);
  };
  steps.$late = late;
  steps.$restoreFreeze = () => {
    Object.freeze = freeze;
  };
}

/**
 * Removes what SES allows and a program must not have: the registry of symbols is shared by all records, a symbol makes
 * an iterator (see `ownIteratorsOnly`), and an accessor leads to the setter of an Error's hidden stack. A description of a property is left, without its
 * functions, since printed programs look at what they catch by it. SES has taken its own copies by now.
 */
function dropPowers(): void {
  (globalThis as unknown as Steps).$restoreFreeze();
  const drop = (from: object, names: readonly string[]): void => {
    for (const name of names) Reflect.deleteProperty(from, name);
  };
  drop(Symbol, ['for', 'keyFor']);
  drop(Object, ['getOwnPropertyDescriptors', 'getOwnPropertySymbols']);
  drop(Object.prototype, ['__defineGetter__', '__defineSetter__', '__lookupGetter__', '__lookupSetter__']);
  drop(Array, ['fromAsync']);
  const describe = Object.getOwnPropertyDescriptor;
  Object.getOwnPropertyDescriptor = (value: unknown, key: PropertyKey) => {
    const described = describe(value, key);
    if (described === undefined || !('get' in described)) return described;
    return { ...described, get: undefined, set: undefined } as unknown as PropertyDescriptor;
  };
}

/**
 * Makes the calls that ask for a size refuse one beyond `longest`, so that a record that asks for too much throws, as
 * others do, instead of ending its isolate. What grows step by step is for fuel to bound.
 */
function boundSizes(longest: number): void {
  const { apply, get, defineProperty } = Reflect;
  const check = (size: number): void => {
    if (size > longest) throw new RangeError('too long');
  };
  type Call = (this: unknown, ...given: unknown[]) => unknown;
  const bound = (prototype: object, name: string, bind: (call: Call) => Call): void => {
    const value = bind(get(prototype, name) as Call);
    defineProperty(prototype, name, { value, writable: true, enumerable: false, configurable: true });
  };
  // Methods of objects, which are no constructors. What is converted to be checked is what is then used.
  bound(
    String.prototype,
    'repeat',
    (call) =>
      ({
        repeat(this: unknown, count?: unknown) {
          const text = this === undefined || this === null ? this : ''.concat(this as string);
          const times = Number(count);
          if (typeof text === 'string') check(text.length * times);
          return apply(call, text, [times]);
        },
      })['repeat'],
  );
  for (const name of ['padStart', 'padEnd']) {
    bound(
      String.prototype,
      name,
      (call) =>
        ({
          pad(this: unknown, length?: unknown, ...filler: unknown[]) {
            const size = Number(length);
            check(size);
            return apply(call, this, [size, ...filler]);
          },
        })['pad'],
    );
  }
  bound(
    Array.prototype,
    'fill',
    (call) =>
      ({
        fill(this: unknown, ...given: unknown[]) {
          if (this !== undefined && this !== null) check((this as { length: number }).length);
          return apply(call, this, given);
        },
      })['fill'],
  );
}

/** Leaves `$open`, which ends the making of the realm and answers what `start` made before the names were gone. */
function keepOpener(allowed: readonly string[]): void {
  const global = globalThis as unknown as Steps & Record<string, unknown>;
  const { $late: late, harden } = global;
  const { ownKeys, deleteProperty, defineProperty, getOwnPropertyDescriptor, getPrototypeOf } = Reflect;
  const { freeze, isFrozen } = Object;
  /** Not `harden`: it takes the five for hardened, and does not look for what V8 has added to them since. */
  const freezeReachable = (value: unknown): void => {
    const isObject = typeof value === 'function' || (typeof value === 'object' && value !== null);
    if (!isObject || isFrozen(value)) return;
    freeze(value);
    freezeReachable(getPrototypeOf(value));
    for (const key of ownKeys(value)) {
      const descriptor = getOwnPropertyDescriptor(value, key)!;
      for (const part of ['value', 'get', 'set'] as const) freezeReachable(descriptor[part]);
    }
  };
  /**
   * An engine that closes an iterator because of a throw drops what the iterator's own `return` throws, also an overflow
   * of the stack: then a record could tell, and nobody else, how near the end of the stack it came, which depends on
   * what was called, and so compiled, before. Without symbols and without these helpers no iterator is a program's.
   */
  const ownIteratorsOnly = (): void => {
    const prototype = getPrototypeOf(getPrototypeOf([].values())!)!;
    for (const key of ownKeys(prototype)) if (typeof key === 'string') deleteProperty(prototype, key);
  };
  // The start realm's own of these four keep their powers; those of a compartment are tame.
  const tame = new global.Compartment().globalThis;
  const given: Record<string, unknown> = { $harden: harden, $iterator: Symbol.iterator };
  for (const name of allowed) given[name] = tame[name];
  global.$open = (start) => {
    ownIteratorsOnly();
    for (const object of late) freezeReachable(object);
    const started = start();
    for (const key of ownKeys(global)) deleteProperty(global, key);
    for (const key of ownKeys(given)) {
      defineProperty(global, key, { value: given[key as string], writable: false, configurable: false });
    }
    freezeReachable(global);
    return started;
  };
}

/** What a block has no use for: clocks, shared and raw memory, locales, and whatever outlives a call. */
const GONE_FROM_BLOCKS: readonly string[] = (
  '$open WebAssembly Atomics SharedArrayBuffer Intl WeakRef FinalizationRegistry console ArrayBuffer DataView ' +
  'Float16Array Float32Array Float64Array Int8Array Int16Array Int32Array Uint8Array Uint8ClampedArray ' +
  'Uint16Array Uint32Array BigInt64Array BigUint64Array'
).split(' ');

/** Leaves `$open` for a realm of blocks. The names go when it is called: V8 needs some to start a context. */
function keepLooseOpener(gone: readonly string[]): void {
  const global = globalThis as unknown as Steps & Record<string, unknown>;
  global.$open = (start) => {
    const started = start();
    for (const name of gone) Reflect.deleteProperty(global, name);
    Reflect.deleteProperty(Math, 'random');
    Reflect.deleteProperty(Array, 'fromAsync');
    const Clock = Date;
    const { construct } = Reflect;
    const Tame = function (...parts: unknown[]): unknown {
      if (new.target === undefined || parts.length === 0) throw new TypeError('there is no clock here');
      return construct(Clock, parts, new.target);
    };
    Tame.prototype = Clock.prototype;
    Clock.prototype.constructor = Tame;
    Tame.UTC = Clock.UTC;
    Tame.parse = Clock.parse;
    global['Date'] = Tame;
    return started;
  };
}
