/** Programs that lean on corners of the language where a printer goes wrong: precedence, names, scopes, patterns. */

const BODIES = [
  'return [1 - (2 - 3), (1 - 2) - 3, 2 ** (3 ** 2), (2 ** 3) ** 2, (-2) ** 2, -(2 ** 2), 7 % (3 * 2), - -1, + +1, - (-1), !(!1)];',
  'return [(1, 2), ((1, 2), 3), [(1, 2)], typeof (1 + "a"), typeof 1 + "a", void 0, "x" in { x: 1 }];',
  'return [null ?? (0 || 2), (null ?? 0) || 2, 1 && (0 || 3), (1 && 0) || 3, (true ? 1 : 0) ? 2 : 3, true ? 1 : 0 ? 2 : 3];',
  'const a = null; return [a?.b.c.d, a?.[1], a?.(1), row?.x, (row?.x)?.y, row.note?.length ?? "none", delete row?.x, row.x];',
  'const o = { f() { return this === o; }, g: { h() { return this === o.g; } } }; return [o.f(), (o.f)(), (0, o.f)?.name, o?.f(), (o?.f)(), o.g.h(), o["f"]()];',
  'const o = { a: 1, "b c": 2, 3: 3, [`d${1}`]: 4, e: { f: 5 }, get g() { return this.a + 6; }, set h(v) { this.i = v; } }; o.h = 7; return o;',
  'let { a = 1, b: { c = 2, ...rest } = { d: 9 }, ...others } = { a: undefined, e: 5, f: 6 }; return [a, c, rest, others];',
  'let [a, , b = 2, ...c] = [1, 0, undefined, 3, 4]; [a, b] = [b, a]; let d; [d = 5] = []; ({ x: c[0], y: c[1] = 8 } = { x: 7 }); return [a, b, c, d];',
  'const f = () => 1, g = function () { return 2; }, h = { i: () => 3, j() { return 4; }, ["k" + 1]: () => 5 }; let l = () => 6; l = (() => 7); return [f, g, h.i, h.j, h.k1, l].map((n) => n.name);',
  'const make = () => () => 1; const given = (a = () => 1, { b = () => 2 } = {}) => [a.name, b.name]; return [make().name, given(), ((a) => a.name)(() => 1)];',
  'const lengths = [(a, b) => 1, (a, b = 1, c) => 1, ({ a }, [b]) => 1, (...a) => 1, (a, ...b) => 1, (a = 1) => 1]; return lengths.map((f) => f.length);',
  'const f = (a, b = a, c = () => a + b, ...[d = 4]) => [a, b, c(), d]; return [f(1), f(1, 2), f(1, undefined, () => 0, 9), f(undefined, null)];',
  'const f = (a = b, b = 1) => [a, b]; try { return f(); } catch (e) { return e.name; }',
  'try { return early; } catch (e) { return e.name; } let early = 1;',
  'const fs = []; for (let i = 0; i < 3; i++) fs.push(() => i); for (const k in { a: 1, b: 2 }) fs.push(() => k); for (const v of "xy") fs.push(() => v); return fs.map((f) => f());',
  'var v = 1; { var v = 2; let w = 3; { let w = 4; v += w; } v += w; } for (var i = 0; i < 3; i++); function hoisted() { return later; } var later = 5; return [v, i, hoisted()];',
  '{ function inner() { return 1; } var first = inner(); } const second = (function named(n) { return n <= 0 ? named.name : named(n - 1); })(3); return [first, second];',
  'let s = ""; switch (row.x) { case 3: s += "three"; case 0: { let t = "zero"; s += t; break; } case null: s += "null"; break; default: s += "other"; } switch (1) { default: s += "d"; case 2: s += "2"; } return s;',
  'let log = []; for (let i = 0, j = 10; i < j; i += 3, j--) { if (i === 3) continue; if (i > 6) break; log.push([i, j]); } do { log.push("once"); } while (false); let n = 3; while (n --\n > 0) log.push(n); return log;',
  'const log = []; try { try { null.x; } catch (e) { log.push(e.name); throw new Error("again"); } } catch (e) { log.push(e.message); } try { throw 1; } catch { log.push("bare"); } try { throw undefined; } catch (e) { log.push(e); } return log;',
  'const f = () => { for (const a of [1, 2, 3]) { try { if (a === 2) return a; } catch { return 9; } } }; return [f(), (() => { })(), (() => { return; })(), (() => ({ a: 1 }))()];',
  'let a = 1; a += 2; a -= 1; a *= 6; a /= 2; a %= 4; a **= 3; a <<= 2; a >>= 1; a >>>= 1; a |= 4; a &= 7; a ^= 2; let b = null; b ??= 5; b ||= 6; b &&= 7; return [a, b, a++ + ++a, a-- - --a, ~a];',
  'return [1e21, 1e-7, 0x10, 0b11, 0o17, 1_000, .5, 5., 1e999, -1e999, 9007199254740993n, 0xffn, -0, 0, 1.5.toFixed(1), (5).toString(2), 5..toString()];',
  'return ["\\u2028\\u0000\\n\\t\\\\\\"", \'it\\\'s\', "</script>", "年龄😀", `a\\nb\\`c\\${d}${1}$${2}$`, `${`${"x"}`}`, `\nline`, "\\x41\\u{1F600}"];',
  'return [/a\\/b/.test("a/b"), /[/]/.source, /\\u5e74/u.test("年"), /年/.test("年"), /(?<y>\\d+)-(?<m>\\d+)/.exec("2024-05").groups.m, /^.$/su.test("\\n"), "aXbX".replace(/x/gi, (m, at) => at), /a/y.flags, new RegExp("b", "g").flags];',
  'const re = /a/g; const found = []; for (let m; (m = re.exec("aaa")); ) found.push(m.index); return [found, re.lastIndex, "a1b22".match(/\\d+/g), [..."a-b".matchAll(/[a-z]/g)].length, "a,b;c".split(/[,;]/)];',
  'const m = new Map([["a", 1]]); m.set("b", 2); const s = new Set("hello"); return [[...m], [...s].join(""), Object.fromEntries(m), m.has("a"), new Map(m).size, Array.from(s, (c) => c + c), s.union?.(new Set("x")).size];',
  'const args = (...a) => a.length; const list = [1, ...[2, 3], ...new Set([4])]; return [args(...list, ...[], 5), Math.max(...list), [...list, , ].length, [, ].length, [, 1, , ].length, { ...{ a: 1 }, ..."hi", ...null }];',
  'const a = [3, 1, 2]; return [a.toSorted(), a.sort((x, y) => y - x), a.reduce((s, x) => s + x, 0), a.findLast((x) => x > 1), a.flatMap((x) => [x, x]), Object.groupBy?.(a, (x) => (x % 2 ? "odd" : "even")), a.at(-1), a.with(0, 9)];',
  'return [parseInt("12px", 10), parseFloat("1.5e3x"), Number(""), Number("x"), String([1, [2]]), Boolean(""), isNaN("x"), isFinite("1"), BigInt(5) * 2n, BigInt.asIntN(8, 255n), JSON.stringify({ a: [undefined, NaN, "年"] }), Number.EPSILON > 0];',
  'const d = new Date(Date.UTC(2024, 1, 29)); d.setUTCDate(d.getUTCDate() + 1); return [d.toISOString(), new Date("2024-05-01").getTime(), Date.parse("2024-05-01T00:00:00Z"), d instanceof Date, isNaN(new Date("x"))];',
  'if (row.x) if (row.x > 1) return "big"; else return "one"; return "none";',
  'const x = row.x; if (x === null) { return "null"; } else if (x === 0) return "zero"; else { ; } return typeof x;',
  '"use strict"; ({ a: row.b } = { a: 5 }); [row.c, row.d] = [6, 7]; for (row.e of [8, 9]); for (row.f in { g: 1 }); for (const [k, v] of Object.entries(row)) if (v === 9) return [k, row]; return row;',
  'let o = { n: 1 }; o.n++; ++o["n"]; o?.n; o.n **= 2; const { n } = o; return [n, -n ** 1 === undefined, 1];'.replace(
    '-n ** 1 === undefined',
    '(-n) ** 3',
  ),
  'const a = { valueOf() { return 4; }, toString() { return "t"; } }; return [a + 1, `${a}`, a * 2, a > 3, [a] + "", a == 4, String(a), +a, -a];',
  'return [..."ab"].map((c, i, all) => (c === "a" ? { c, i } : [all.length])).concat([[(x => x)(1), (x => ({ x }))(2).x, ((a, b) => { return a in b; })("k", { k: 1 })]]);',
  'for (let f = ("x" in row) ? 1 : 2, g = (() => "note" in row)(); ;) { return [f, g]; }',
];

const MODULES = [
  'class A { n = 1; list = []; static make(x = 2) { return new A(x); } constructor(x) { this.n += x ?? 0; } get twice() { return this.n * 2; } set twice(v) { this.n = v / 2; } add({ a = 1 } = {}) { this.list.push(a); return this; } "odd name"() { return 1; } } class B extends A { n2 = this.n; constructor(...xs) { super(xs.length); } get twice() { return super.twice + 1; } add(x) { super.add(x); return this; } } class C extends B { } export function map(row) { const b = new B(1, 2); b.add({ a: 5 }).add(); const c = new C(1); return [b, b.twice, A.make().n, A.make(5).twice, c.n, c.n2, c instanceof A, A.name, B.length, b["odd name"]()]; }',
  'const a = 1, b = [a, { c: a + 1 }], d = { ...{}.x, e: b[0] }, f = `${a}${b.length}`; export function map(row) { return [a, b, d, f]; }'.replace(
    '...{}.x, ',
    '',
  ),
  'let unset; const T = { f: (x) => x * 2, g(x) { return this.f(x); }, h: function named() { return named.name; } }; export const map = (row) => [unset, T.g(3), T.h(), T.f.name, T.g.name];',
  'const even = (n) => (n === 0 ? true : odd(n - 1)); const odd = (n) => (n === 0 ? false : even(n - 1)); export { even as isEven, main as map }; function main(row) { return [even(10), odd(7), main.name, main.length]; }',
  'const S = new Set([1, 2, 2]); const M = new Map([["a", { n: 1 }], ["b", 2]]); export function map(row) { const out = []; S.forEach((v, k) => out.push(v, k)); M.forEach((v, k) => out.push(k)); for (const [k, v] of M) out.push(k, v); return [out, S.size, S.has(2), [...S], [...S.values()], [...M.entries()], M.get("b"), M.get("z"), new Set(S).size, new Map(M).size, [...S.union(new Set([9]))], Math.max(...S)]; }',
  'const BIG = Object.keys({ a: 1, b: 2 }), LOGS = [Math.log(2), Math.PI * 2, -Math.sqrt(2), Number.MAX_SAFE_INTEGER]; const W = "x y".split(" "), P = Object.freeze({ k: [1] }); export function map(row) { return [BIG, LOGS, W, P]; }',
];

/** Whole modules. */
export const TRICKY: readonly string[] = [
  ...BODIES.map((body) => `export function map(row, params) { ${body} }`),
  ...MODULES,
];
