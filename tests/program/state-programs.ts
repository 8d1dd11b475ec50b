/**
 * Programs that try to carry a value from one record to the next: every store with every way to write and to read it.
 *
 * Each returns what the store held before this record, and then leaves a mark if the record says `v: 1`. Data that only grows.
 */

/** What stands at module level, and the expression by which a function reaches the store. */
const STORES: readonly (readonly [declaration: string, store: string])[] = [
  ['const s = { n: 0 };', 's'],
  ['const s = { a: { n: 0 } };', 's.a'],
  ['const s = [0];', 's'],
  ['const s = [[0]];', 's[0]'],
  ['const s = { list: [{ n: 0 }] };', 's.list[0]'],
  ['const s = () => 0;', 's'],
  ['function s() { return 0; }', 's'],
  ['class S { m() { return 0; } }', 'S'],
  ['class S { m() { return 0; } }', 'S["proto" + "type"]'],
  ['class S { m() { return 0; } } const keep = { s: S };', 'keep.s["proto" + "type"].m'],
  ['const s = { f() { return 0; } };', 's.f'],
  ['const s = new Map([[1, { n: 0 }]]);', 's'],
  ['const s = new Map([[1, { n: 0 }]]);', 's.get(1)'],
  ['const s = new Set([1]);', 's'],
  ['const s = Object.freeze({ inner: { n: 0 } });', 's.inner'],
  ['const s = Object.entries({ a: [0] });', 's[0][1]'],
  ['const s = "a,b".split(",");', 's'],
  ['const s = /a/;', 's'],
  ['const a = [0], s = { ...{ }, a };'.replace('...{ }, ', ''), 's.a'],
  ['const a = { n: 0 }, s = [a, ...[a]];'.replace(', ...[a]', ''), 's[0]'],
  ['', 'Math'],
  ['', 'Object'],
  ['', 'Object["proto" + "type"]'],
  ['', 'Array["proto" + "type"]'],
  ['', '(() => 1)["constr" + "uctor"]'],
  ['', 'Object.getPrototypeOf([][Object.getOwnPropertySymbols(Array["proto" + "type"])[0]]())'],
  ['', 'Object.getPrototypeOf(/a/)'],
  ['', 'Object.getPrototypeOf(new Map())'],
  ['', 'Error'],
  ['', 'RegExp'],
  ['', 'JSON'],
  ['', 'map'],
  ['', 'params'],
  ['', 'params.list'],
  ['', 'Object.getPrototypeOf(params)'],
  ['', 'Object.getPrototypeOf(row)'],
  ['let s = 0;', '({ get n() { return s; }, set n(v) { s = v; } })'],
];

const WRITES = [
  't.n = 1;',
  't["n"] = 1;',
  't.n++;',
  'const { x = 1 } = { }; [t.n] = [x];',
  '({ x: t.n } = { x: 1 });',
  'for (t.n of [1]) ;',
  'Object.assign(t, { n: 1 });',
  'Object.defineProperty(t, "n", { value: 1, configurable: true });',
  'Object.defineProperty(t, "n", { get: () => 1, configurable: true });',
  'Object.setPrototypeOf(t, { n: 1 });',
  't[0] = 1;',
  '[]["pu" + "sh"].call(t, 1);',
  '[]["splice"].call(t, 0, 1);',
  '[]["copyWithin"].call(t, 0, 1); []["fill"].call(t, 1);',
  'new Map()["s" + "et"].call(t, "n", 1);',
  't["s" + "et"]("n", 1);',
  't["a" + "dd"]("n");',
  't["del" + "ete"](1);',
  'new Set()["clear"].call(t);',
  't.lastIndex = 1;',
  't["comp" + "ile"]("b");',
  't.prepareStackTrace1 = t["prepareStackTr" + "ace"] = () => 1;',
  't["stackTrace" + "Limit"] = 1;',
  't.forEach((value, key, all) => { all["a" + "dd"]?.("n"); all["s" + "et"]?.("n", 1); all.n = 1; });',
  't["__define" + "Getter__"]("n", () => 1);',
  'delete t.n; delete t[0]; delete t.m; delete t.map;',
  'Object.freeze(t);',
  't["toSt" + "ring"] = () => "1";',
  'Object["getOwnPropertyDesc" + "riptor"](new Error(), "sta" + "ck")?.set?.call(t, "1");',
];

const READS = [
  't.n',
  't[0]',
  't.length',
  'Object.keys(t).length + (t.size ?? 0)',
  'String(t).length',
  'JSON.stringify([t, t.get?.("n"), t.has?.("n"), t.lastIndex, typeof t.m, Object.isFrozen(t)])',
  '({ }).n ?? [].n ?? (() => 1).n',
];

/** Whole modules: each store, way to write and way to read once. */
export function statePrograms(): string[] {
  return STORES.flatMap(([declaration, store]) =>
    WRITES.flatMap((write) =>
      READS.map(
        (read) =>
          `${declaration} export function map(row, params) { const t = ${store}; let was; try { was = ${read}; } catch { was = "failed"; } if (row.v === 1) { try { ${write} } catch { } } return \`\${was}\`; }`,
      ),
    ),
  );
}
