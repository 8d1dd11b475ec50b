/** Random JavaScript as text, with and without parentheses, for comparing what is printed with what was written. */
import fc from 'fast-check';

const ATOMS = [
  'x',
  'y',
  'o',
  'f',
  'a',
  '0',
  '1',
  '2.5',
  '"s"',
  '`t${x}`',
  'null',
  'undefined',
  'true',
  '3n',
  '[1, x]',
  '({ x })',
  '/x/g',
  '(() => x)',
  '(function () { return y; })',
  'NaN',
  '-0',
];
const BINARY = [
  '+',
  '-',
  '*',
  '/',
  '%',
  '**',
  '<',
  '<=',
  '==',
  '===',
  '!==',
  '&',
  '|',
  '^',
  '<<',
  '>>',
  '>>>',
  '&&',
  '||',
  '??',
  'in',
  'instanceof',
  ',',
];
const UNARY = ['-', '+', '!', '~', 'typeof ', 'void ', 'delete ', '- -', '!!'];
const ASSIGN = ['=', '+=', '-=', '*=', '**=', '??=', '||=', '&&=', '<<='];

/** An expression over the names x, y, o, f and a. Some are no JavaScript: the parser sorts them out. */
const { expression } = fc.letrec<{ expression: string }>((tie) => {
  const inner = tie('expression');
  const node = fc.oneof(
    fc.tuple(inner, fc.constantFrom(...BINARY), inner).map((parts) => parts.join(' ')),
    fc.tuple(fc.constantFrom(...UNARY), inner).map((parts) => parts.join('')),
    fc.tuple(inner, inner, inner).map(([test, then, other]) => `${test} ? ${then} : ${other}`),
    fc
      .tuple(
        fc.constantFrom('x', 'y', 'o.p', 'a[0]', '[x, y]', '({ x, p: o.p })'),
        fc.constantFrom(...ASSIGN),
        inner,
      )
      .map(([left, sign, right]) =>
        left.startsWith('(') ? `({ x, p: o.p } = ${right})` : `${left} ${sign} ${right}`,
      ),
    fc
      .tuple(
        inner,
        fc.constantFrom('.p', '?.p', '[0]', '?.[x]', '()', '?.(x)', '(...a, y)', '.p.q', '?.p.q', '++'),
      )
      .map((parts) => parts.join('')),
    fc.tuple(fc.constantFrom('...', ''), inner).map(([dots, value]) => `[${dots}${value}, , y]`),
    fc
      .tuple(inner, inner)
      .map(([key, value]) => `({ [${key}]: ${value}, x, f() { return ${value}; }, ...o })`),
    fc
      .tuple(fc.constantFrom('(x) =>', '({ p = 1 } = {}, ...y) =>', '(a = x, o) =>', '() =>'), inner)
      .map(([head, body]) => `(${head} (${body}))`),
    inner.map((value) => '`\\n${' + value + '}`'),
    inner.map((value) => `new f(${value})`),
    inner.map((value) => `(${value})`),
  );
  return {
    expression: fc.oneof({ depthSize: 'small', withCrossShrink: true }, fc.constantFrom(...ATOMS), node),
  };
});

/** Whole modules, each with some statements around random expressions. */
export const programs: fc.Arbitrary<string> = fc.tuple(expression, expression, expression, expression).map(
  ([first, second, third, fourth]) => `const shared = [1, { p: 2 }];
export function map(row) {
  let { x, y = 2 } = row, o = { p: { q: 1 }, x: 3 }, a = [1, 2];
  function f(...all) { return all.length; }
  const log = [];
  const say = (v) => { log.push(typeof v === 'function' ? v.name + v.length : v); return v; };
  try { say(${first.includes(',') ? `(${first})` : first}); } catch (e) { log.push(e.name); }
  for (let i = 0; i < 2; i++) { try { const v = ${second.includes(',') ? `(${second})` : second}; if (v) { say(v); continue; } } catch (e) { log.push(e.name); break; } }
  const g = (p = ${third.includes(',') ? `(${third})` : third}, { q = y } = {}) => { switch (p) { case x: return q; default: return [p, q]; } };
  try { say(g()); say(g(x, { q: 5 })); } catch (e) { log.push(e.name); }
  try { ${fourth}; } catch (e) { log.push(e.name); }
  return [log, x, y, o, a, shared];
}`,
);
