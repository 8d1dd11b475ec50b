/** The signature of a statement: what was signed is not enough, it has to agree with itself and with its lines. */
import { describe, expect, test } from 'vitest';

import { canonicalJson, sha256Hex } from '#crypto/canonical.ts';
import { generateEvidenceKey } from '#crypto/evidence-key.ts';
import { toHex } from '#crypto/bytes.ts';
import { leafHash, rootOf } from '#crypto/log/merkle.ts';
import { signCompact } from '#crypto/signing.ts';
import { STATEMENT_TYP, verifyStatement } from '#crypto/statement.ts';

const LINES = ['{"amountFen":"400"}', '{"amountFen":"-100"}'];
const KEY = generateEvidenceKey('international');
const HEAD = {
  number: '2026-09-000001',
  issuer: 'platform',
  buyer: 'university',
  period: '2026-09',
  totalFen: '300',
  lines: '2',
  linesRoot: rootOfLines(LINES),
};

function rootOfLines(lines: readonly string[]): string {
  return toHex(rootOf(lines.map((line) => leafHash(new TextEncoder().encode(line)))));
}

interface Otherwise {
  readonly typ?: string;
  /** Changes of the head that is digested. */
  readonly digestOf?: object;
  readonly lines?: readonly string[];
}

/** Signs a head as its issuer would who makes a mistake, or means to. */
async function verdictOn(
  changes: object = {},
  { typ = STATEMENT_TYP, digestOf = {}, lines = LINES }: Otherwise = {},
): Promise<unknown> {
  const head = { ...HEAD, ...changes };
  const digest = `sha256:${sha256Hex(canonicalJson({ ...head, ...digestOf }))}`;
  const signed = await signCompact({ head, digest }, KEY, { typ });
  return verifyStatement({ signed, lines }, [KEY.publicJwk]);
}

test('a statement holds that agrees with itself and its lines', async () => {
  expect(await verdictOn()).toEqual({ valid: true, kid: KEY.kid, head: HEAD });
});

describe('a statement that is signed does not hold', () => {
  test.for([
    ['with the digest of another head', 'DIGEST_WRONG', {}, { digestOf: { buyer: 'rival' } }],
    ['with a line too few', 'LINES_MISSING', {}, { lines: LINES.slice(1) }],
    ['with its lines in another order', 'ROOT_WRONG', {}, { lines: LINES.toReversed() }],
    ['with another total than its lines have', 'TOTAL_WRONG', { totalFen: '301' }, {}],
    [
      'over lines that are none',
      'LINES_MALFORMED',
      { linesRoot: rootOfLines(['x', 'y']) },
      { lines: ['x', 'y'] },
    ],
    ['as something else', 'TYP_WRONG', {}, { typ: 'unseen-receipt+jwt' }],
  ] satisfies [string, string, object, Otherwise][])('%s', async ([, reason, changes, otherwise]) => {
    expect(await verdictOn(changes, otherwise)).toEqual({ valid: false, reason });
  });
});
