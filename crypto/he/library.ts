/**
 * The library of homomorphic encryption: node-seal 7.0.0 (Microsoft SEAL 4.1.2 in WebAssembly), pinned and fenced in.
 *
 * Guarantee: no byte of it runs unless the binary and its glue have the digests below. Every call goes through
 * `call`: a C++ exception puts the stack back where it was (else each leaks 16 bytes, and after some 4,000 the
 * module is corrupt: emscripten issues 17313 and 21606), is counted, and becomes a code without its text; after
 * `exceptionsMax` of them the instance is spent. Anything else that is thrown is a trap: from then on the whole
 * process refuses to compute, and has to end.
 * Not covered: defects of SEAL 4.1.2 that 4.3 and later mended, beyond those fenced in here and in wire.ts; so this
 * runs in a process of its own, without keys where it reads what others sent.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { MainModule } from 'node-seal';

import { HeError } from './he-error.ts';

/** SHA-512 of what was examined. The names of `EXPORTS` hold for these bytes and for no others. */
export const NODE_SEAL = {
  version: '7.0.0',
  files: {
    'index_throws.js':
      '1547594b7f3f4f00c0ee6471f43b32792453f6fac9dc20060d97c2bc22fd77e3f20b65ff70d966924d772b50ab5b1a3d99d1eb086a38ed8f3709f24db8b45a2f',
    'seal_throws.js':
      '70f266d83179cdfc281dfff33645e83cdac0e9b141400dc3d0fb3f98483103080e875793cc677062f01fa4cb6614221b333018fcf64ba7a5b2efa39c6daf80af',
    'seal_throws.wasm':
      '27b0a258c905676f7e7060405c1fe4d27531cdfcff0e425b84845afa37f22876589463da160ccab319ce5aaaaccde685d32345cfa1f8c8e8e0d9da93241d9f30',
  },
} as const;

/** Minified names: emscripten_stack_get_current, _emscripten_stack_restore, memory. */
const EXPORTS = { stackTop: '$', restoreStack: 'Z', memory: 'R' } as const;

/** Enough for a page of wrong uploads, few enough that nothing which an exception left behind adds up. */
const EXCEPTIONS_MAX = 50;

/** The part of the WebAssembly interface that is used; the types of Node have none. */
declare const WebAssembly: {
  compile(bytes: Uint8Array): Promise<WasmModule>;
  Instance: new (module: WasmModule, imports: object) => WasmInstance;
  Exception: abstract new () => object;
};
interface WasmModule {
  readonly wasmModule: never;
}
interface WasmInstance {
  readonly exports: Readonly<Record<string, unknown>>;
}
interface Exports {
  readonly stackTop: () => number;
  readonly restoreStack: (top: number) => void;
  readonly memory: { readonly buffer: ArrayBuffer };
}
/** What the library offers. */
export interface Module extends MainModule {
  /** Frees a caught exception; the generated types leave it out. */
  decrementExceptionRefcount(exception: object): void;
}

export interface LibraryOptions {
  /** How many refusals of the library before the instance is spent. */
  readonly exceptionsMax?: number;
}

/** Compiled once: an instance is then some milliseconds. */
let compiled: Promise<WasmModule> | null = null;
/** Set by the first trap, never reset. */
let hasTrapped = false;

/** One instance, with a memory of its own. */
export class Library {
  readonly #module: Module;
  readonly #exports: Exports;
  readonly #exceptionsMax: number;
  #exceptions = 0;
  #isClosed = false;

  private constructor(module: Module, exports: Exports, exceptionsMax: number) {
    this.#module = module;
    this.#exports = exports;
    this.#exceptionsMax = exceptionsMax;
  }

  /** A new instance. HeError NODE_VERSION, LIBRARY_CHANGED, LIBRARY_UNUSABLE, or TRAPPED. */
  static async open({ exceptionsMax = EXCEPTIONS_MAX }: LibraryOptions = {}): Promise<Library> {
    if (hasTrapped) throw new HeError('TRAPPED');
    if (!canRunOn(process.versions.node)) throw new HeError('NODE_VERSION');
    compiled ??= compileChecked();
    const binary = await compiled;
    try {
      // Only now, so that changed glue is not even evaluated.
      const { initialize } = await import('node-seal');
      let instance: WasmInstance | undefined;
      const module = await initialize({
        instantiateWasm: (imports: object, done: (instance: WasmInstance, module: WasmModule) => void) => {
          instance = new WebAssembly.Instance(binary, imports);
          done(instance, binary);
          return instance.exports;
        },
        // Whatever it has to say may hold data.
        print: () => undefined,
        printErr: () => undefined,
      });
      return new Library(module as Module, exportsOf(instance), exceptionsMax);
    } catch {
      throw new HeError('LIBRARY_UNUSABLE');
    }
  }

  /** Bytes of memory that the instance has taken; it never gives any back. */
  get heapBytes(): number {
    return this.#exports.memory.buffer.byteLength;
  }

  /** Where its stack stands between calls: always at the same place. */
  get stackTop(): number {
    return this.#exports.stackTop();
  }

  /** How many times the library has refused so far. */
  get exceptions(): number {
    return this.#exceptions;
  }

  /** True when handles can be given back: not after a trap. */
  get isSound(): boolean {
    return !hasTrapped;
  }

  /** Nothing is computed any more. */
  close(): void {
    this.#isClosed = true;
  }

  /**
   * The only way in. HeError REFUSED when the library throws: what the call was to change is then undefined, so the
   * caller drops it. CLOSED, SPENT and TRAPPED before anything is run.
   */
  call<T>(work: (module: Module) => T): T {
    if (hasTrapped) throw new HeError('TRAPPED');
    if (this.#isClosed) throw new HeError('CLOSED');
    if (this.#exceptions >= this.#exceptionsMax) throw new HeError('SPENT');
    return this.#fenced(work);
  }

  /** To give memory back, which a spent or closed instance may do as well. Never throws. */
  release(work: (module: Module) => void): void {
    if (hasTrapped) return;
    try {
      this.#fenced(work);
    } catch {
      // A refusal to free leaves nothing to be done; a trap is remembered and shows at the next call.
    }
  }

  #fenced<T>(work: (module: Module) => T): T {
    const top = this.#exports.stackTop();
    try {
      return work(this.#module);
    } catch (error) {
      if (!(error instanceof WebAssembly.Exception)) {
        hasTrapped = true;
        throw new HeError('TRAPPED');
      }
      this.#exports.restoreStack(top);
      this.#module.decrementExceptionRefcount(error);
      this.#exceptions += 1;
      throw new HeError('REFUSED');
    }
  }
}

/**
 * Whether a version of Node runs the library right: it needs WebAssembly exceptions as standardised in 2025 (exnref).
 * Node 24 before 24.16 does not compile it; Node 22 has them switched on over an engine with known errors there.
 */
export function canRunOn(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 24 || (major === 24 && minor >= 16);
}

async function compileChecked(): Promise<WasmModule> {
  const entry = import.meta.resolve('node-seal');
  let binary: Uint8Array | undefined;
  for (const [name, digest] of Object.entries(NODE_SEAL.files)) {
    const bytes = readFileSync(new URL(name, entry));
    if (createHash('sha512').update(bytes).digest('hex') !== digest) throw new HeError('LIBRARY_CHANGED');
    binary = bytes;
  }
  try {
    return await WebAssembly.compile(binary!);
  } catch {
    throw new HeError('LIBRARY_UNUSABLE');
  }
}

function exportsOf(instance: WasmInstance | undefined): Exports {
  const { [EXPORTS.stackTop]: stackTop, [EXPORTS.restoreStack]: restoreStack } = instance!.exports;
  const memory = instance!.exports[EXPORTS.memory];
  if (typeof stackTop !== 'function' || typeof restoreStack !== 'function' || memory === undefined) {
    throw new HeError('LIBRARY_UNUSABLE');
  }
  return { stackTop, restoreStack, memory } as unknown as Exports;
}
