/** Rule `module`: what may stand at module level, and the function that is exported. */
import type { ProgramMode } from '../../program.ts';
import type { Report, TreeRule } from '../finding.ts';
import { isFunction, type Node, type Reading } from '../parse.ts';

type Tree = Reading['tree'];

export const ENTRIES = {
  map: { entry: 'map', args: 'row, params' },
  blocks: { entry: 'run', args: 'table, params' },
} as const satisfies Record<ProgramMode, { entry: string; args: string }>;

const MAP = 'export function map(row) { return row.x; }';

export const moduleRule: TreeRule = {
  id: 'module',
  because:
    'What stands at module level runs once and outlives every record: it must be constants, functions and classes, so that there is nothing that a record could change.',
  modes: ['map'],
  accepts: [
    MAP,
    'const A = 1; let b = 2; function f() { var c = 3; return c; } export { f as map };',
    'export const map = (row) => row.x;',
  ],
  refuses: [
    [`let n = 0; n += 1; ${MAP}`, 'rule.module.statement'],
    [`if (true) { } ${MAP}`, 'rule.module.statement'],
    [`var n = 0; ${MAP}`, 'rule.module.var'],
    [`const { PI } = Math; ${MAP}`, 'rule.module.pattern'],
    ['export function score(row) { return 1; }', 'rule.module.noEntry'],
    ['export const map = 1;', 'rule.module.entryKind'],
  ],
  check: ({ tree }, report) => {
    for (const statement of tree.body) {
      const inner = innerOf(statement);
      if (inner?.type === 'VariableDeclaration') checkVariables(inner, report);
      else if (inner && inner.type !== 'FunctionDeclaration' && inner.type !== 'ClassDeclaration') {
        if (inner.type !== 'EmptyStatement') report(inner, 'rule.module.statement');
      }
    }
    checkEntry(tree, 'map', report);
  },
};

/** A statement without its `export`; null for a list of exports. */
export function innerOf(statement: Tree['body'][number]): Node | null {
  return statement.type === 'ExportNamedDeclaration' ? (statement.declaration ?? null) : statement;
}

function checkVariables(node: Extract<Node, { type: 'VariableDeclaration' }>, report: Report): void {
  if (node.kind === 'var') report(node, 'rule.module.var');
  for (const { id } of node.declarations) {
    if (id.type !== 'Identifier') report(id, 'rule.module.pattern');
  }
}

/** Whether the module exports a function under the name of its mode. */
export function checkEntry(tree: Tree, mode: ProgramMode, report: Report): void {
  const found = entryOf(tree, mode);
  if (found === null) report(tree, 'rule.module.noEntry', ENTRIES[mode]);
  else if (!isFunction(found)) report(found, 'rule.module.entryKind', ENTRIES[mode]);
}

/** The function (or other value) that the module exports under the name of its mode; null when there is none. */
export function entryOf(tree: Tree, mode: ProgramMode): Node | null {
  const local = localNameOf(tree, ENTRIES[mode].entry);
  if (local === null) return null;
  for (const statement of tree.body) {
    const inner = innerOf(statement);
    if (
      (inner?.type === 'FunctionDeclaration' || inner?.type === 'ClassDeclaration') &&
      inner.id?.name === local
    ) {
      return inner;
    }
    if (inner?.type !== 'VariableDeclaration') continue;
    const declarator = inner.declarations.find(({ id }) => id.type === 'Identifier' && id.name === local);
    if (declarator) return declarator.init ?? declarator;
  }
  return null;
}

/** The module's own name for what it exports under a name; null when it exports none. */
export function localNameOf(tree: Tree, exported: string): string | null {
  for (const statement of tree.body) {
    if (statement.type !== 'ExportNamedDeclaration') continue;
    for (const specifier of statement.specifiers) {
      const { local, exported: as } = specifier;
      const name = as.type === 'Identifier' ? as.name : as.value;
      if (name === exported && local.type === 'Identifier') return local.name;
    }
    const inner = statement.declaration;
    if (inner?.type === 'FunctionDeclaration' || inner?.type === 'ClassDeclaration') {
      if (inner.id.name === exported) return exported;
    } else if (inner?.declarations.some(({ id }) => id.type === 'Identifier' && id.name === exported)) {
      return exported;
    }
  }
  return null;
}
