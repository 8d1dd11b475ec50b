/**
 * State programs: modules that try to leave something in one record and to find it in another, made of the parts in
 * state-parts.json (stores × ways to write × ways to read × ways to name the store × what is wrapped round the write).
 *
 * Guarantee: the same seed gives the same programs. In the parts `#` is the store, `@` the value, `~` the write.
 * Not covered: channels for which nobody has written a part; the parts only grow.
 */
import { readFileSync } from 'node:fs';

interface Store {
  readonly name: string;
  /** What stands at module level. */
  readonly before: string;
}

interface Ways {
  readonly writes: readonly string[];
  readonly reads: readonly string[];
}

interface Parts {
  readonly objects: readonly (Store & { readonly at: string })[];
  /** Writes to any object, with the reads that would see them. */
  readonly objectWays: readonly Ways[];
  readonly stores: readonly (Store & Ways)[];
  readonly places: readonly string[];
  readonly wrappers: readonly string[];
}

export interface StateProgram {
  /** The store, for the report. */
  readonly store: string;
  readonly module: string;
}

const PARTS = JSON.parse(readFileSync(new URL('./state-parts.json', import.meta.url), 'utf8')) as Parts;
/** Written whether or not the record is the victim's: then order is what is carried. */
const ALWAYS_SHARE = 0.2;
/** How often the store is one of the objects, which have most ways to be written and read. */
const OBJECT_SHARE = 0.6;

/** So many different programs. Fewer where the parts do not make as many. */
export function statePrograms(count: number, seed: number): readonly StateProgram[] {
  const random = scrambler(seed);
  const one = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const programs = new Map<string, StateProgram>();
  for (let attempt = 0; attempt < 10 * count && programs.size < count; attempt += 1) {
    const made = random() < OBJECT_SHARE ? objectTried(one) : storeTried(one);
    const wrapped = one(PARTS.wrappers).replace('~', () => made.write.replaceAll('@', '1'));
    const isAlways = random() < ALWAYS_SHARE;
    const module = moduleOf({ ...made, write: wrapped, isAlways });
    programs.set(module, { store: made.name, module });
  }
  return [...programs.values()];
}

type One = <T>(list: readonly T[]) => T;
type Tried = Store & { readonly write: string; readonly read: string };

function storeTried(one: One): Tried {
  const store = one(PARTS.stores);
  return { ...store, write: one(store.writes), read: one(store.reads) };
}

/** An object is named in one way where it is read and in another where it is written. */
function objectTried(one: One): Tried {
  const object = one(PARTS.objects);
  const ways = one(PARTS.objectWays);
  const [there, here] = [one(PARTS.places), one(PARTS.places)].map((place) =>
    place.replaceAll('#', object.at),
  );
  const write = one(ways.writes).replaceAll('#', 'shared');
  return {
    ...object,
    write: `const shared = ${there}; ${write}`,
    read: one(ways.reads).replaceAll('#', here!),
  };
}

function moduleOf(parts: {
  readonly before: string;
  readonly read: string;
  readonly write: string;
  readonly isAlways: boolean;
}): string {
  return `${parts.before}
function same(x) { return x; }
export function map(row, params) {
  let got = -1;
  try { got = ${parts.read}; } catch { got = -2; }
  ${parts.isAlways ? '' : 'if (row.v === 1) '}{ ${parts.write} }
  return typeof got === 'number' && got === got ? got : -3;
}
`;
}

/** Numbers in [0, 1) from a seed (Marsaglia, Xorshift RNGs, 2003). */
function scrambler(seed: number): () => number {
  let state = (seed ^ 0x9e3779b9) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
}
