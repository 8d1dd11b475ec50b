/**
 * Makes the library throw again and again: `node exception-soak.ts fenced|bare|trap COUNT` prints one line of JSON.
 *
 * A process of its own, because without the fence the library's memory is corrupt at the end. What is thrown is that
 * of bytes that the loader refuses, as a hostile upload would have it.
 */
import { initialize } from 'node-seal';

import { Library } from '#crypto/he/library.ts';
import { profileOf } from '#crypto/he/profiles.ts';

const profile = profileOf('bfv-agg-8k');

interface Soaked {
  /** Exceptions of C++ that were thrown. */
  readonly thrown: number;
  /** What ended it early, by its class; null when nothing did. */
  readonly ended: string | null;
  readonly heapGrowth: number;
  readonly stackGrowth: number;
  /** Whether the library computes right afterwards. */
  readonly isSound: boolean;
}

type Module = Awaited<ReturnType<typeof initialize>>;

/** Bytes that are no object: the loader takes memory and then throws. */
function refuse(module: Module): void {
  const modulus = new module.Modulus(0n);
  try {
    modulus.loadFromArray(new Uint8Array(32));
  } finally {
    modulus.delete();
  }
}

function isSound(module: Module): boolean {
  using modulus = new module.Modulus(profile.plainModulus);
  return modulus.isPrime() && modulus.bitCount() === 45;
}

async function fenced(count: number): Promise<Soaked> {
  const library = await Library.open({ exceptionsMax: count + 1 });
  const attempt = () => library.call(refuse);
  try {
    attempt();
  } catch {
    // The first one takes memory that is kept.
  }
  const [heap, stack] = [library.heapBytes, library.stackTop];
  let [thrown, ended] = [1, null as string | null];
  for (; thrown < count && ended === null; thrown += 1) {
    try {
      attempt();
      ended = 'nothing was thrown';
    } catch (error) {
      if ((error as Error).message !== 'REFUSED') ended = (error as Error).message;
    }
  }
  const growth = { heapGrowth: library.heapBytes - heap, stackGrowth: stack - library.stackTop };
  return { thrown, ended, ...growth, isSound: ended === null && library.call(isSound) };
}

async function bare(count: number): Promise<Soaked> {
  const module = await initialize();
  let [thrown, ended] = [0, null as string | null];
  for (; thrown < count && ended === null; thrown += 1) {
    try {
      refuse(module);
      ended = 'nothing was thrown';
    } catch (error) {
      const { name } = (error as object).constructor;
      if (name !== 'Exception') ended = name;
      else
        (
          module as unknown as { decrementExceptionRefcount(error: unknown): void }
        ).decrementExceptionRefcount(error);
    }
  }
  return { thrown, ended, heapGrowth: 0, stackGrowth: 0, isSound: ended === null && isSound(module) };
}

/** What a trap leaves: the instance, and every other, is refused. */
async function trap(): Promise<object> {
  const library = await Library.open();
  const code = async (work: () => unknown) => {
    try {
      await work();
    } catch (error) {
      return (error as Error).message;
    }
    return null;
  };
  const first = await code(() =>
    library.call(() => {
      throw new RangeError('what a trap looks like from outside: anything but an exception of C++');
    }),
  );
  return { first, next: await code(() => library.call(isSound)), opened: await code(() => Library.open()) };
}

const [mode, count] = process.argv.slice(2);
const modes = { fenced, bare, trap } as const;
process.stdout.write(`${JSON.stringify(await modes[mode as keyof typeof modes](Number(count)))}\n`);
