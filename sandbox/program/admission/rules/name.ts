/** Rule `name`: which names a program may use and define. */
import { GLOBALS } from '../globals.ts';
import type { TreeRule } from '../finding.ts';

/** Names that mean something else in some places: `for (async of …)` is no loop. */
const CONFUSING = ['eval', 'arguments', 'async'];

const MAP = 'export function map(row) { return row.x; }';

export const nameRule: TreeRule = {
  id: 'name',
  because:
    'Only built-in names that can keep nothing are available. Names of the language, and those beginning with `$`, belong to the code that is put around the program.',
  modes: ['map'],
  accepts: [
    'export function map(row) { const $ok = undefined; return Math.max(Number(row.$x), 0); }'.replace(
      '$ok',
      'ok',
    ),
    'export function map(row) { const found = new Map([[1, 2]]); return found.get(1) + parseInt("7", 10) + row.name; }',
  ],
  refuses: [
    ['export function map(row) { return new WeakMap().has(row) ? 1 : 0; }', 'rule.name.unknown'],
    ['export function map(row) { return typeof globalThis === "object" ? 1 : 0; }', 'rule.name.unknown'],
    ['export function map(row) { return eval("1"); }', 'rule.name.unknown'],
    ['export function map(row) { return new Float64Array(1)[0]; }', 'rule.name.unknown'],
    ['export function map(row) { console.log(row.x); return 1; }', 'rule.name.console'],
    ['export function map(row) { return arguments.length; }', 'rule.name.arguments'],
    ['export function map(row) { const $fuel = 1; return $fuel; }', 'rule.name.reserved'],
    ['export function map(row, Object) { return 1; }', 'rule.name.reserved'],
    ['export function map(async) { for ((async) of [1]); return 1; }', 'rule.name.reserved'],
    [`const undefined = 1; ${MAP}`, 'rule.name.reserved'],
    ['export function map(row) { Math = row; return 1; }', 'rule.name.assigned'],
  ],
  check: ({ scopes }, report) => {
    for (const { at, isWrite } of scopes.free) {
      const { name } = at;
      if (name === 'console') report(at, 'rule.name.console');
      else if (name === 'arguments') report(at, 'rule.name.arguments');
      else if (!Object.hasOwn(GLOBALS, name)) {
        report(at, 'rule.name.unknown', { name, known: Object.keys(GLOBALS).join(', ') });
      } else if (isWrite) report(at, 'rule.name.assigned', { name });
    }
    for (const { at, name } of scopes.bindings) {
      const isReserved = name.startsWith('$') || Object.hasOwn(GLOBALS, name) || CONFUSING.includes(name);
      if (isReserved) report(at, 'rule.name.reserved', { name });
    }
  },
};
