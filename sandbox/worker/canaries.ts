/**
 * A few attacks that every worker must withstand, tried when the runner starts: each is the body of a `map` that
 * returns true when it got what it wanted.
 *
 * They show that the realm is the one we mean, with this Node.js, this isolated-vm and this SES. That they are real
 * attacks is a test: each of them succeeds in an isolate as it comes.
 * Not covered: what nobody has thought of; the corpus in tests/attacks/programs is longer.
 */
export const CANARIES: Readonly<Record<string, string>> = {
  'text is compiled by a constructor': `return (() => {}).constructor('return 1')() === 1;`,
  'text is compiled by a generator constructor': `return [...(function* () {}).constructor('yield 1')()][0] === 1;`,
  'an intrinsic object is changed': `Object.prototype.canary = 1; return ({}).canary === 1;`,
  'a prototype that syntax alone reaches is changed': `
    const shared = Object.getPrototypeOf(Object.getPrototypeOf([].values()));
    shared.canary = 1; return [].values().canary === 1;`,
  'the global object is reached': `return (function () { return typeof globalThis; })() === 'object';`,
  'a clock is read': `return Date.now() > 0;`,
  'a clock is read by a constructor': `return new Date().getTime() > 0;`,
  'randomness is read': `return Math.random() >= 0;`,
  'the symbols of the realm are registered': `
    return Object.getOwnPropertySymbols(Array.prototype)[0].constructor.for('canary').description === 'canary';`,
  'a frozen expression is compiled anew': `
    const frozen = Object.freeze(/a/);
    try { frozen.compile('b'); } catch {} // It fails at lastIndex, having done its work.
    return frozen.test('b');`,
  'an expression tells of the last match': `/(secret)/.test('secret'); return /x/.constructor.$1 === 'secret';`,
  'a stack is formatted by the program': `
    Error.prepareStackTrace = () => 'canary'; return new Error().stack === 'canary';`,
  'the setter of a stack is taken': `
    return typeof Object.getOwnPropertyDescriptor(new TypeError(), 'stack').set === 'function';`,
  'shared memory is made': `return new SharedArrayBuffer(8).byteLength === 8;`,
  'WebAssembly is there': `return typeof WebAssembly.Module === 'function';`,
  'a locale is known': `return typeof new Intl.NumberFormat().format(1) === 'string';`,
  'an object is proxied': `return new Proxy({}, { get: () => 1 }).canary === 1;`,
  'garbage is observed': `return new WeakRef({}).deref() !== undefined;`,
};

/** The canaries as a program: field `at` says which one, and 1 is the answer of one that got through. */
export function canaryProgram(canaries: Readonly<Record<string, string>> = CANARIES): string {
  const attempts = Object.values(canaries).map((body) => `() => { ${body} }`);
  return `const attempts = [${attempts.join(',\n')}];
export function $begin() {}
export function $spent() { return false; }
export function map({ at }) {
  try { return attempts[at]() === true ? 1 : 0; } catch { return 0; }
}`;
}
