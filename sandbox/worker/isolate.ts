/**
 * Isolates, as the worker process makes them: from one snapshot of our own text, with one program in each.
 *
 * Guarantee: nothing but copies of bytes, texts and numbers goes in or out; no reference, callback or module of the
 * host is ever given to an isolate. A program is compiled as a module without imports, after its realm is closed.
 * Not covered: V8 and isolated-vm, whose limits of memory and time are only requests; the jail is for that.
 */
import ivm from 'isolated-vm';
import { lockedScripts, looseScripts } from './realm.ts';

/** What an isolate may hold, in MiB; a request, see above. */
const MEMORY_MIB = 384;
/** Evaluating a module runs its constants and nothing else. */
const START_MS = 10_000;

export type Snapshot = ivm.ExternalCopy<ArrayBuffer>;

/** The hardened realm as a snapshot; `sesText` is the library's distribution. `first` is run before it is made. */
export function lockedSnapshot(sesText: string, first: readonly string[] = []): Snapshot {
  return snapshotOf([...first, ...lockedScripts(sesText)]);
}

/** The realm of blocks as a snapshot. */
export function looseSnapshot(): Snapshot {
  return snapshotOf(looseScripts());
}

function snapshotOf(scripts: readonly string[]): Snapshot {
  return ivm.Isolate.createSnapshot(scripts.map((code) => ({ code })));
}

/** A value that goes into an isolate: bytes are handed over, and gone here. */
export type Argument = number | string | ArrayBuffer;

/** An isolate with a program in it, ready to be called. */
export interface ReadyIsolate {
  /** Calls the driver. Null is its "no answer"; throws when the isolate is ended by a limit. */
  run(args: readonly Argument[], timeoutMs: number): Promise<ArrayBuffer | null>;
  /** Processor time that it has used. */
  cpuMs(): number;
  dispose(): void;
}

/** What goes into every isolate of a job. */
export interface IsolateJob {
  readonly snapshot: Snapshot;
  readonly code: string;
  /** The text of a driver, of driver.ts. */
  readonly driver: string;
  /** JSON. */
  readonly params: string;
}

/** Makes an isolate with the program in it. Throws when the program does not compile or its constants throw. */
export async function makeIsolate({ snapshot, code, driver, params }: IsolateJob): Promise<ReadyIsolate> {
  const isolate = new ivm.Isolate({ memoryLimit: MEMORY_MIB, snapshot });
  try {
    const context = await isolate.createContext();
    const start = await context.eval(`$open(${driver})`, { reference: true });
    const module = await isolate.compileModule(code);
    await module.instantiate(context, refuseImport);
    await module.evaluate({ timeout: START_MS });
    const run = (await start.apply(undefined, [module.namespace.derefInto(), params], {
      result: { reference: true },
      timeout: START_MS,
    })) as ivm.Reference<(...args: unknown[]) => ArrayBuffer | undefined>;
    return {
      run: async (args, timeoutMs) => {
        const given = args.map((arg) => (typeof arg === 'object' ? handOver(arg) : arg));
        const result: unknown = await run.apply(undefined, given, {
          timeout: timeoutMs,
          result: { copy: true },
        });
        return result instanceof ArrayBuffer ? result : null;
      },
      cpuMs: () => Number(isolate.cpuTime / 1_000_000n),
      dispose: () => disposeQuietly(isolate),
    };
  } catch (error) {
    disposeQuietly(isolate);
    throw error;
  }
}

function handOver(bytes: ArrayBuffer): ivm.Copy<ArrayBuffer> {
  return new ivm.ExternalCopy(bytes, { transferOut: true }).copyInto({ release: true, transferIn: true });
}

function refuseImport(): never {
  throw new RangeError('a program imports nothing');
}

/** One that ran out of memory is disposed of already. */
function disposeQuietly(isolate: ivm.Isolate): void {
  if (!isolate.isDisposed) isolate.dispose();
}
