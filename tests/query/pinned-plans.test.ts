/**
 * Plans, costs and answers of SQL that must not change by a bit when another front end comes to the gate: what was
 * paid for under a digest is found again under it.
 *
 * The digests were taken at commit 2b7d440, before programs had Plans.
 */
import { describe, expect, test } from 'vitest';
import { canonicalJson, sha256Hex } from '#crypto/canonical.ts';
import { evidenceOfCells } from '#gateway/receipt.ts';
import { type Partials, type Plan, widthOf } from '#sandbox/plan.ts';
import { bitsOutOf } from '#sandbox/release/bits-out.ts';
import { expectedErrorsOf } from '#sandbox/release/expected-error.ts';
import { NoisePool } from '#sandbox/release/noise-pool.ts';
import { notesOf } from '#sandbox/release/notes.ts';
import { present } from '#sandbox/release/present.ts';
import { release } from '#sandbox/release/release.ts';
import { mechanismOf, planDigestOf, plannedUsageOf } from '#sandbox/release/statement.ts';
import { tapedRandom } from '#tests/support/byte-tape.ts';
import { compiled, policyWith } from './people.ts';

const LISTED =
  'SELECT zip, COUNT(*), SUM(debt), AVG(income), STDDEV(price), MEDIAN(age), HISTOGRAM(age, 0, 100, 4) FROM people WHERE flag GROUP BY zip';
const NONE = 'SELECT COUNT(DISTINCT uid), VARIANCE(income) FROM people';
const THRESHOLDED = 'SELECT job, COUNT(*), SUM(income) FROM people GROUP BY job';

const STATEMENTS: Readonly<Record<string, { readonly sql: string; readonly policy: object }>> = {
  'with listed keys': { sql: LISTED, policy: {} },
  'with cells that are hidden': { sql: LISTED, policy: { hideBelow: 3, timing: 'planned' } },
  'without keys': { sql: NONE, policy: { timing: { quantumMs: 125 } } },
  'with thresholded keys': { sql: THRESHOLDED, policy: { keys: 'thresholded' } },
  'of a pure ledger': {
    sql: LISTED,
    policy: {
      mechanism: 'laplace',
      budget: { epsilon: 10, delta: 0 },
      perJob: { epsilon: 1, max: 2, delta: 0 },
    },
  },
};

/** Partials that fit the Plan, and say nothing. */
function somePartials(plan: Plan): Partials {
  const cells = plan.keys.mode === 'none' ? 1 : plan.keys.mode === 'listed' ? plan.keys.cells : 2;
  const vectors = plan.measures.map((measure) =>
    Array.from({ length: cells * widthOf(measure) }, () => (measure.kind === 'units' ? 40n : 7n)),
  );
  return { keys: plan.keys.mode === 'thresholded' ? [['nurse'], ['cook']] : null, vectors };
}

/** Everything that a buyer may see of a Plan, in one digest. */
function shownBy({ sql, policy }: { readonly sql: string; readonly policy: object }): string {
  const { plan, presentation } = compiled(sql, { policy: policyWith({ ...policy }) });
  const cells = release(plan, somePartials(plan), new NoisePool(plan, tapedRandom('pinned')).fill());
  const shown = [
    mechanismOf(plan),
    plannedUsageOf(plan),
    bitsOutOf(plan, cells),
    expectedErrorsOf(plan, [100]),
    notesOf(plan, null),
    present(plan, cells, presentation),
    evidenceOfCells(cells),
  ];
  return sha256Hex(canonicalJson(JSON.parse(JSON.stringify(shown))));
}

const PINNED: Readonly<Record<string, readonly [digest: string, shown: string]>> = {
  'with listed keys': [
    'sha256:116e5563dbb39b125db705f02502c5028134853c156244ede8800bd0ce9beaa1',
    '7b54b72cf8134dafcaa54603ffea4ffdeba424965e1ea4a1e5b204f6c1c3a007',
  ],
  'with cells that are hidden': [
    'sha256:f2b24eceb258b234ebfa00509beddf0adf015dd875c5536158cb7acbe01f0d89',
    '749a282e4c8fd64c558b1ad0dff254f65240b11fda25a8639bc56d39a6d54f71',
  ],
  'without keys': [
    'sha256:01198438ca7eb30c57558b2b2aa633e4ccc80a42ca1f607da6476a667c19c1a7',
    '6dec6234cf19aabf1aac4f442451e54bf1e22a406343082a9f96f4c625a08490',
  ],
  'with thresholded keys': [
    'sha256:af39a6a1d428525a0bc8b9c306c03123a2558bcc21517bc787605bfaa9fb0441',
    'cecd4e841b3b9a01ef715cafe5e0989f05b774854d1993e97370f6ad161b5848',
  ],
  'of a pure ledger': [
    'sha256:e8f9fbcaa0a4b925179f508cb1e0a5cd60cff41676ebf33deb84a6d9f3350936',
    '1b10a085300cb5b83fc5c2c4b30974de6abbbabf816b8238fe0c315617a5fbc2',
  ],
};

describe('a statement', () => {
  test.for(Object.entries(STATEMENTS))('%s keeps its Plan and its answer', ([name, statement]) => {
    const { plan } = compiled(statement.sql, { policy: policyWith({ ...statement.policy }) });
    expect([planDigestOf(plan), shownBy(statement)]).toEqual(PINNED[name]);
  });
});
