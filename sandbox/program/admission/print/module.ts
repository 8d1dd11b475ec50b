/**
 * Prints the module that runs in place of a program: its own tree, metered, with every shared value frozen at birth.
 *
 * Guarantee: nothing of the program runs before the value it made last is frozen; functions are frozen before anything,
 * classes right after their body. The exports are `map`, `$begin` and `$spent`. Free names are those of globals.ts and
 * `$harden` and `$iterator` (the symbol), which the isolate gives. ASCII but for regular expressions.
 */
import type { Subject } from '../finding.ts';
import type { Node } from '../parse.ts';
import { innerOf, localNameOf } from '../rules/module-level.ts';
import { argument } from './expression.ts';
import { meteringOf } from './metering.ts';
import { StatementPrinter } from './statement.ts';
import type { Trace } from './trace.ts';

/** Fuel for loading the module, where only `toString` of constants can run. */
const LOADING_FUEL = 1_000_000;

/**
 * `var`, because an engine checks every use of a module's `let` for whether it was reached yet.
 * What is thrown is no object, so that nothing can be kept on it. The message is V8's for an overflow of the stack; it is
 * read without running code of the program.
 */
const PRELUDE = `var $fuel = ${LOADING_FUEL}, $depth = 0;
const $own = Object.getOwnPropertyDescriptor;
function $out() { $fuel = -1; throw 'spent'; }
function $guard(error) {
  if ($fuel >= 0 && !$isOverflow(error)) return;
  $fuel = -1;
  throw error;
}
function $isOverflow(error) {
  const message = typeof error === 'object' && error !== null ? $own(error, 'message')?.value : undefined;
  return typeof message === 'string' && (message === 'Maximum call stack size exceeded'
    || message.endsWith(': Stack overflow') || message.endsWith('Regular expression too large'));
}
function $begin(fuel) { $fuel = fuel; $depth = 0; }
function $spent() { return $fuel < 0; }
$harden($out); $harden($guard); $harden($isOverflow); $harden($begin); $harden($spent);
`;

/** A set or map that cannot change: the real one stays in a closure, since freezing does not reach its entries. */
const VIEW = `function $view(inner) {
  const view = {
    get size() { return inner.size; },
    forEach(visit) { inner.forEach((value, key) => { visit(value, key, view); }); },
    [$iterator]: () => inner[$iterator](),
  };
  for (const name of ['has', 'get', 'keys', 'values', 'entries', 'union', 'intersection', 'difference',
    'symmetricDifference', 'isSubsetOf', 'isSupersetOf', 'isDisjointFrom']) {
    if (name in inner) view[name] = (argument) => inner[name](argument);
  }
  return $harden(view);
}
$harden($view);
`;

/** The code that runs; with a trace, code for a trial, which also exports `$line`. */
export function printProgram(subject: Subject, trace: Trace | null = null): string {
  const { tree } = subject;
  const printer = new StatementPrinter(meteringOf(subject), trace);
  const functions: string[] = [];
  const hardened: string[] = [];
  const values: string[] = [];
  for (const statement of tree.body) {
    const inner = innerOf(statement);
    if (inner?.type === 'FunctionDeclaration') {
      functions.push(printer.functionText(inner));
      hardened.push(`$harden(${inner.id?.name ?? ''});`);
    } else if (inner?.type === 'ClassDeclaration') {
      values.push(`${printer.classText(inner)}\n$harden(${inner.id?.name ?? ''});`);
    } else if (inner?.type === 'VariableDeclaration') values.push(...constants(inner, printer));
  }
  const local = localNameOf(tree, 'map') ?? 'map';
  const body = [...hardened, ...values, ...functions].join('\n');
  const exported = `export { ${local === 'map' ? 'map' : `${local} as map`}, $begin, $spent${trace?.exported ?? ''} };\n`;
  return `${PRELUDE}${trace?.prelude ?? ''}${body.includes('$view(') ? VIEW : ''}${body}\n${exported}`;
}

/** Each constant is frozen before the next is made; a function keeps the name it is given. */
function constants(
  node: Extract<Node, { type: 'VariableDeclaration' }>,
  printer: StatementPrinter,
): string[] {
  return node.declarations.map(({ id, init }) => {
    const name = id.type === 'Identifier' ? id.name : '';
    return `const ${name} = ${init ? argument(init, printer.moduleLevel) : 'void 0'}; $harden(${name});`;
  });
}
