/**
 * The parameters of a request for a program: declared values, each of its type, and their digest.
 *
 * Guarantee: a program gets exactly the parameters that it declares, finite and of the declared types; equal parameters
 * have equal digests, and -0 is 0. Refuses PARAM, naming the parameter and never its value.
 */
import { digestOf } from '#crypto/canonical.ts';
import { Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import type { ParamSpec, ParamType, ParamValue } from './program.ts';

/** Most numbers of an array. */
const NUMBERS_MAX = 1_000_000;
const TEXT_BYTES_MAX = 65_536;

export type Params = Readonly<Record<string, ParamValue>>;

/** What a request states, with the defaults of what it does not state. */
export function paramsOf(
  specs: readonly ParamSpec[],
  stated: Readonly<Record<string, unknown>> | null,
): Params {
  const given = stated ?? {};
  const declared = new Set(specs.map(({ name }) => name));
  const unknown = Object.keys(given).find((name) => !declared.has(name));
  if (unknown !== undefined) {
    const known = [...declared].join(', ');
    throw new Refusal('PARAM', say('plan.unknownParam', { name: unknown.slice(0, 80), known }));
  }
  return Object.fromEntries(specs.map((spec) => [spec.name, paramOf(spec, given)]));
}

export function paramsDigestOf(params: Params): string {
  return digestOf(params);
}

function paramOf(
  { name, type, default: fallback }: ParamSpec,
  given: Readonly<Record<string, unknown>>,
): ParamValue {
  const value = Object.hasOwn(given, name) ? given[name] : fallback;
  if (value === null || value === undefined)
    throw new Refusal('PARAM', say('plan.missingParam', { name, type }));
  const read = paramValueOf(value, type);
  if (read === null) throw new Refusal('PARAM', say('plan.wrongParam', { name, type, max: NUMBERS_MAX }));
  return read;
}

/** A value as one of its type, -0 as 0: finite numbers, well-formed text, lists of at most a million numbers; else null. */
export function paramValueOf(value: unknown, type: ParamType): ParamValue | null {
  switch (type) {
    case 'number':
      return numberOf(value);
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'string': {
      const fits =
        typeof value === 'string' && value.isWellFormed() && Buffer.byteLength(value) <= TEXT_BYTES_MAX;
      return fits ? value : null;
    }
    case 'numbers': {
      if (!Array.isArray(value) || value.length > NUMBERS_MAX) return null;
      const numbers = Array.from(value, numberOf);
      return numbers.every((number) => number !== null) ? numbers : null;
    }
  }
}

/** A finite number, -0 as 0; else null. */
function numberOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value + 0 : null;
}
