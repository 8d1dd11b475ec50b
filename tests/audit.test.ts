/** The list of claims: every place it names is there, and the document of the guarantee names the same claims. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Claim } from './audit/claim.ts';
import { CLAIMS } from './audit/claims.ts';
import { differences, faultsOf } from './audit/places.ts';
import { resultAt } from './audit/results.ts';

const DOCUMENT = 'docs/privacy-guarantee.md';

describe('claims', () => {
  test('have an id each', () => {
    const ids = CLAIMS.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toEqual(
      expect.arrayContaining(['sampling-exact', 'bounding-cells', 'closed-sql', 'bits-out']),
    );
  });

  test.for(CLAIMS)('$id names code, tests and controls that are there', (claim) => {
    expect(faultsOf(claim)).toEqual([]);
  });

  test('are those that the document of the guarantee tells', () => {
    const ids = CLAIMS.map(({ id }) => id);
    expect(existsSync(DOCUMENT) ? differences(readFileSync(DOCUMENT, 'utf8'), ids) : []).toEqual([]);
  });
});

describe('control:', () => {
  const good = CLAIMS[0]!;
  const places: readonly [Partial<Claim>, string][] = [
    [{ id: 'Sampling' }, 'its id is not kebab-case'],
    [{ sentence: 'noise' }, 'it is no sentence'],
    [{ controls: [] }, 'it names no controls'],
    [{ code: [good.code[0]!, good.code[0]!] }, 'code has one twice'],
    [{ code: ['sandbox/release/sampler.ts:dream'] }, 'no code sandbox/release/sampler.ts:dream'],
    [
      { code: ['sandbox/release/dream.ts:discreteLaplace'] },
      'no code sandbox/release/dream.ts:discreteLaplace',
    ],
    [{ tests: ['tests/audit.test.ts › dreams'] }, 'no test tests/audit.test.ts › dreams'],
    [{ controls: ['tests/dream.test.ts › claims'] }, 'no control tests/dream.test.ts › claims'],
  ];

  test.for(places)('%j would be noticed', ([change, fault]) => {
    expect(faultsOf({ ...good, ...change })).toContain(fault);
  });

  test('a claim that only one of document and list knows would be noticed', () => {
    expect(differences('It holds (`claim:a-b`), and `claim:c` too.', ['a-b', 'd'])).toEqual([
      'no claim c',
      'd is not told',
    ]);
  });

  test.for([
    ['passed', 'passed', true],
    ['passed', 'failed', false],
    ['passed', 'skipped', false],
  ] as const)('a place of which one test %s and one %s: passed is %s', ([first, second, passed]) => {
    const ran = (title: string, status: string) => ({
      title,
      status,
      ancestorTitles: ['a group'],
      duration: 500,
    });
    const tests = [ran('adds 1 and 2 (x)', first), ran('adds 3 and 4 (x)', second), ran('else', 'failed')];
    const result = { file: 'f', tests, seconds: 1 };
    expect(resultAt('f › adds %d and $other (x)', result)).toMatchObject({ passed, n: 2, seconds: 1 });
    expect(resultAt('f › a group', result)).toMatchObject({ passed: false, n: 3 });
    expect(resultAt('f › dreams', result)).toMatchObject({ passed: false, n: 0 });
  });
});
