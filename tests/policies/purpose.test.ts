/** Purposes: a tree under two classes, named in both languages. */
import { expect, test } from 'vitest';
import {
  isPurpose,
  PURPOSE_CLASSES,
  type Purpose,
  purposeClass,
  purposePath,
  PURPOSES,
} from '#policies/purpose.ts';

const all = Object.keys(PURPOSES) as Purpose[];

test.for(all)('%s leads to a class and is named in both languages', (purpose) => {
  const path = purposePath(purpose);
  expect(path[0]).toBe(purpose);
  expect(PURPOSE_CLASSES).toContain(path.at(-1));
  expect(purposeClass(purpose)).toBe(path.at(-1));
  expect(PURPOSES[purpose].zh).toMatch(/^\p{Script=Han}/u);
  expect(PURPOSES[purpose].en).toMatch(/^[A-Z]/);
});

test('exactly the classes have nothing above them', () => {
  expect(all.filter((purpose) => PURPOSES[purpose].parent === null)).toEqual([...PURPOSE_CLASSES]);
});

test('public health is welfare, and commerce is industry', () => {
  expect(purposePath('public_health')).toEqual(['public_health', 'public_welfare', 'governance_welfare']);
  expect(purposeClass('market_analysis')).toBe('industry');
});

test('only names of the tree are purposes', () => {
  expect(isPurpose('statistics')).toBe(true);
  for (const text of ['', 'Statistics', 'toString', '__proto__']) expect(isPurpose(text)).toBe(false);
});
