/** Whether the places that claims name are there: code by what is declared in a file, tests by how they are written. */
import { existsSync, readFileSync } from 'node:fs';
import { testNamesIn } from '#tests/support/test-names.ts';
import { isNode, sourceFile } from '#tests/tidy/source.ts';
import type { Claim } from './claim.ts';

/** What is wrong with the places of a claim; empty when each is there. */
export function faultsOf({ id, sentence, code, tests, controls }: Claim): string[] {
  const places = (list: readonly string[], isThere: (place: string) => boolean, what: string): string[] =>
    list.filter((place) => !isThere(place)).map((place) => `no ${what} ${place}`);
  const lists = Object.entries({ code, tests, controls });
  return [
    ...(/^[a-z]+(-[a-z0-9]+)*$/.test(id) ? [] : ['its id is not kebab-case']),
    ...(/^[A-Z`].{20,}\.$/.test(sentence) ? [] : ['it is no sentence']),
    ...lists.filter(([, list]) => list.length === 0).map(([name]) => `it names no ${name}`),
    ...lists.filter(([, list]) => new Set(list).size < list.length).map(([name]) => `${name} has one twice`),
    ...places(code, isDeclared, 'code'),
    ...places(tests, isWritten, 'test'),
    ...places(controls, isWritten, 'control'),
  ];
}

/** The file and the title of a place among the tests. */
export function testAt(place: string): { readonly file: string; readonly title: string } {
  const cut = place.indexOf(' › ');
  return { file: place.slice(0, cut), title: place.slice(cut + 3) };
}

function isWritten(place: string): boolean {
  const { file, title } = testAt(place);
  return testNamesIn(file).has(title);
}

const DECLARING = new Set([
  'FunctionDeclaration',
  'ClassDeclaration',
  'VariableDeclarator',
  'MethodDefinition',
  'TSInterfaceDeclaration',
  'TSTypeAliasDeclaration',
]);

/** Whether a file declares a name; a file that is no TypeScript need only hold it. */
function isDeclared(place: string): boolean {
  const [path = '', name = ''] = place.split(':');
  if (!existsSync(path) || name === '') return false;
  const text = readFileSync(path, 'utf8');
  if (!path.endsWith('.ts')) return text.includes(name);
  return sourceFile(path, text).nodes.some((node) => {
    const named = node['id'] ?? node['key'];
    return DECLARING.has(node.type) && isNode(named) && named['name'] === name;
  });
}

/** Claims that a document names and the list has not, and those of the list that it leaves out. */
export function differences(document: string, ids: readonly string[]): string[] {
  const named = new Set([...document.matchAll(/`claim:([\w-]+)`/g)].map(([, id = '']) => id));
  return [
    ...[...named].filter((id) => !ids.includes(id)).map((id) => `no claim ${id}`),
    ...ids.filter((id) => !named.has(id)).map((id) => `${id} is not told`),
  ];
}
