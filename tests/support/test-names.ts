/** The names of the tests that stand in a file: what documents and lists of tests are checked against. */
import { existsSync, readFileSync } from 'node:fs';
import { type SyntaxNode, sourceFile } from '#tests/tidy/source.ts';

/** The names of the tests in a file, as they are written there: `$name` and `%s` stand for themselves. */
export function testNamesIn(file: string): ReadonlySet<string> {
  if (!file.endsWith('.test.ts') || !existsSync(file)) return new Set();
  const calls = sourceFile(file, readFileSync(file, 'utf8')).nodes.filter(
    ({ type }) => type === 'CallExpression',
  );
  return new Set(calls.filter(isTest).flatMap((call) => titleOf(call)));
}

/** `test(…)`, `test.for(…)(…)`, `test.skipIf(…)(…)`, `describe…`. */
function isTest(call: SyntaxNode): boolean {
  for (let callee = call['callee'] as SyntaxNode | undefined; callee !== undefined;) {
    if (callee.type === 'Identifier') return ['test', 'describe'].includes(String(callee['name']));
    callee = (callee['callee'] ?? callee['object']) as SyntaxNode | undefined;
  }
  return false;
}

function titleOf(call: SyntaxNode): string[] {
  const [title] = call['arguments'] as SyntaxNode[];
  return title?.type === 'Literal' && typeof title['value'] === 'string' ? [title['value']] : [];
}
