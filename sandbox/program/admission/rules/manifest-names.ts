/** Warnings about `row` and `params`: names that the manifest does not have. */
import type { ProgramManifest } from '../../program.ts';
import { type Finding, findingAt, type RuleSentence, type Subject } from '../finding.ts';
import { isFunction, type Node, propertyName, walk } from '../parse.ts';
import { entryOf } from './module-level.ts';

/** Properties of every object: a program may ask a row for them. */
const OF_EVERY_OBJECT = ['hasOwnProperty', 'toString', 'valueOf'];

/** What the entry reads of its arguments that the manifest does not give. */
export function unknownNames(subject: Subject, manifest: ProgramManifest): Finding[] {
  const entry = entryOf(subject.tree, 'map');
  if (entry === null || !isFunction(entry)) return [];
  const [row, params] = entry.params;
  const columns = manifest.inputs.flatMap((input) => input.columns.map(({ name }) => name));
  const named = manifest.params.map(({ name }) => name);
  return [
    ...unknownIn(row, { known: columns, sentence: 'rule.manifest.column', subject }),
    ...unknownIn(params, { known: named, sentence: 'rule.manifest.param', subject }),
  ];
}

interface Asked {
  readonly known: readonly string[];
  readonly sentence: RuleSentence;
  readonly subject: Subject;
}

function unknownIn(param: Node | undefined, { known, sentence, subject }: Asked): Finding[] {
  if (param === undefined) return [];
  const found: { at: Node; name: string }[] = [];
  if (param.type === 'ObjectPattern') {
    for (const property of param.properties) {
      const name = property.type === 'Property' ? propertyName(property) : null;
      if (name !== null) found.push({ at: property, name });
    }
  }
  walk(subject.tree, (node) => {
    if (node.type !== 'MemberExpression' || subject.scopes.bindingOf(node.object)?.at !== param) return;
    const name = propertyName(node);
    if (name !== null) found.push({ at: node, name });
  });
  return found
    .filter(({ name }) => !known.includes(name) && !OF_EVERY_OBJECT.includes(name))
    .map(({ at, name }) => ({
      ...findingAt('manifest', { text: subject.text, offset: at.start }, sentence, {
        name,
        known: known.join(', '),
      }),
      severity: 'warning',
    }));
}
