/** What is made of texts that come again and again: made once for each, as long as there are few. */

const KNOWN_MAX = 10_000;

/** A function that remembers its results. INVARIANT: `make` gives the same for the same key, and nobody changes it. */
export function remembered<Key extends string | number, Result>(
  make: (key: Key) => Result,
): (key: Key) => Result {
  const known = new Map<Key, { readonly result: Result }>();
  return (key) => {
    let found = known.get(key);
    if (found === undefined) {
      found = { result: make(key) };
      if (known.size >= KNOWN_MAX) known.clear();
      known.set(key, found);
    }
    return found.result;
  };
}
