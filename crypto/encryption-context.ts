/**
 * Encryption contexts: the named values that keys and envelopes are bound to, in one spelling.
 *
 * Guarantee: two contexts that are not the same names with the same values have different texts.
 */

/** Named values, public and small, e.g. `{ dataset: 'visits', version: '3' }`. */
export type EncryptionContext = Readonly<Record<string, string>>;

const ENTRIES_MAX = 16;
const VALUE_CHARACTERS_MAX = 256;
const NAME = /^[a-zA-Z][a-zA-Z0-9._-]{0,63}$/;

/** 1 to 16 entries; names of 1 to 64 letters, digits, `.`, `_`, `-`; values of at most 256 UTF-16 units, well-formed. */
export function isContext(value: unknown): value is EncryptionContext {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const entries = Object.entries(value);
  return (
    entries.length > 0 &&
    entries.length <= ENTRIES_MAX &&
    entries.every(
      ([name, text]) =>
        NAME.test(name) &&
        name !== '__proto__' &&
        typeof text === 'string' &&
        text.length <= VALUE_CHARACTERS_MAX &&
        text.isWellFormed(),
    )
  );
}

/** The context with its names in ascending order. */
export function sortedContext(context: EncryptionContext): EncryptionContext {
  // Names are ASCII, so this is the order of RFC 8785 §3.2.3 as well. A name that is an integer, which objects
  // would put first, cannot be: names begin with a letter.
  return Object.fromEntries(Object.entries(context).sort(([left], [right]) => (left < right ? -1 : 1)));
}

/** Canonical JSON (RFC 8785) of a context. It needs no package, so that a jailed reader can have it. */
export function contextText(context: EncryptionContext): string {
  return JSON.stringify(sortedContext(context));
}
