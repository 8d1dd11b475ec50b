/**
 * Admission for mode `blocks`: any code, since every block has an isolate of its own and only clamped averages leave.
 *
 * Guarantee: the module parses, needs nothing from outside and exports `run`; its text reads the same to everybody.
 */
import { type Finding, FINDINGS_MAX, findingAt, type RuleSentence } from './finding.ts';
import { isFunction, type Node, type Reading, walk } from './parse.ts';
import { checkEntry, ENTRIES } from './rules/module-level.ts';

/** What would reach outside of the module, or wait while it is loaded. */
const OUTSIDE: Readonly<Partial<Record<Node['type'], RuleSentence>>> = {
  ImportDeclaration: 'rule.syntax.import',
  ImportExpression: 'rule.syntax.import',
  ExportAllDeclaration: 'rule.syntax.exportFrom',
  ExportDefaultDeclaration: 'rule.module.default',
  MetaProperty: 'rule.syntax.meta',
};

export function blocksFindings({ text, tree }: Reading): Finding[] {
  const findings: Finding[] = [];
  const report = (
    node: Node,
    sentence: RuleSentence,
    args: Readonly<Record<string, string | number>> = {},
  ): void => {
    if (findings.length >= FINDINGS_MAX) return;
    findings.push(findingAt(sentence.split('.')[1] ?? '', { text, offset: node.start }, sentence, args));
  };
  walk(tree, (node, around) => {
    const sentence = OUTSIDE[node.type];
    // `new.target` reaches nothing.
    const isTarget = node.type === 'MetaProperty' && node.meta.name === 'new';
    if (sentence && !isTarget) report(node, sentence, ENTRIES.blocks);
    if (node.type === 'ExportNamedDeclaration' && node.source)
      report(node, 'rule.syntax.exportFrom', ENTRIES.blocks);
    const waits = node.type === 'AwaitExpression' || (node.type === 'ForOfStatement' && node.await);
    if (waits && !around.some(isFunction)) report(node, 'rule.syntax.async');
  });
  checkEntry(tree, 'blocks', report);
  return findings;
}
