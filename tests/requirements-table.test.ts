/** The table of requirements: it names only what exists, and calls nothing done that no test shows. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { testNamesIn } from './support/test-names.ts';

/** Areas, and how many rules each has. */
const AREAS: Readonly<Record<string, number>> = {
  ACC: 8,
  CAT: 9,
  GRANT: 12,
  APPR: 8,
  RUN: 11,
  OUT: 11,
  METER: 7,
  PRICE: 10,
  SPLIT: 6,
  AUDIT: 10,
  PI: 7,
  SEC: 8,
  XB: 3,
  OPS: 7,
  UX: 5,
};
const FORCE = /\((rule|rule for others|plan|draft|standard|own)\)/;
const NOTHING = '–';

interface Row {
  readonly id: string;
  readonly rule: string;
  readonly source: string;
  readonly files: readonly string[];
  /** `tests/….test.ts › name`. */
  readonly tests: readonly string[];
  readonly state: string;
}

function rowsOf(markdown: string): Row[] {
  const [, table = ''] = markdown.split('\n## Rules\n');
  const lines = table.split('\n').filter((line) => line.startsWith('|'));
  return lines.slice(2).map((line) => {
    const [, id = '', rule = '', source = '', files = '', tests = '', state = ''] =
      line.split(/ ?(?<!\\)\| ?/);
    return { id, rule, source, files: spansOf(files), tests: spansOf(tests), state };
  });
}

function spansOf(cell: string): string[] {
  if (cell === NOTHING) return [];
  const spans = [...cell.matchAll(/`([^`]+)`/g)].map(([, span = '']) => span);
  // Text outside the spans would look like a claim, and be checked by nobody.
  return cell.replace(/`[^`]+`|[,\s]|<br>/g, '') === '' && spans.length > 0
    ? spans
    : [`${cell} (not a list of spans)`];
}

/** What is wrong with a row, given the names of the tests in each file. */
function faultsOf(row: Row, namesIn: (file: string) => ReadonlySet<string>): string[] {
  const [, area = '', number = ''] = /^R-([A-Z]+)-(\d\d)$/.exec(row.id) ?? [];
  const known = Number(number) >= 1 && Number(number) <= (AREAS[area] ?? 0);
  const [state, reason] = row.state.split(/: (.*)/);
  const lost = row.tests.filter((named) => {
    const [file = '', name = ''] = named.split(' › ');
    return !namesIn(file).has(name);
  });
  return [
    known ? '' : 'its id is not known',
    FORCE.test(row.source) ? '' : 'its source does not say its force',
    /^(done|open|refused)$/.test(state ?? '') ? '' : 'its state is none of done, open, refused',
    state === 'done' && row.tests.length === 0 ? 'it is done and no test shows it' : '',
    state === 'done' && row.files.length === 0 ? 'it is done and enforced nowhere' : '',
    state !== 'done' && (reason ?? '').length < 10 ? 'it does not say what is missing, or why not' : '',
    ...row.files.filter((file) => !existsSync(file)).map((file) => `no file ${file}`),
    ...lost.map((named) => `no test ${named}`),
  ].filter((fault) => fault !== '');
}

const TABLE = readFileSync('docs/requirements.md', 'utf8');
const rows = rowsOf(TABLE);

describe('docs/requirements.md', () => {
  test('holds the rules that this version is measured by, each once', () => {
    const ids = rows.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toEqual(
      expect.arrayContaining(['R-ACC-03', 'R-GRANT-02', 'R-RUN-01', 'R-OUT-07', 'R-METER-05', 'R-AUDIT-01']),
    );
  });

  test.for(rows)('$id names what exists, and is done only if a test shows it', (row) => {
    expect(faultsOf(row, testNamesIn)).toEqual([]);
  });

  test('sees the tests of this file and of others', () => {
    expect([...testNamesIn('tests/requirements-table.test.ts')]).toEqual(
      expect.arrayContaining(['sees the tests of this file and of others', 'would not pass: $fault']),
    );
    const empty = globSync('tests/**/*.test.ts').filter((file) => testNamesIn(file).size === 0);
    expect(empty).toEqual([]);
  });
});

const GOOD: Row = {
  id: 'R-RUN-01',
  rule: 'no row leaves',
  source: 'Data Twenty (plan)',
  files: ['package.json'],
  tests: ['tests/a.test.ts › no row leaves'],
  state: 'done',
};

describe('a row', () => {
  const namesIn = (file: string) => new Set(file === 'tests/a.test.ts' ? ['no row leaves'] : []);

  test('passes when everything that it names exists', () => {
    expect(faultsOf(GOOD, namesIn)).toEqual([]);
    expect(faultsOf({ ...GOOD, tests: [], state: 'open: no server yet' }, namesIn)).toEqual([]);
  });

  test.for<{ change: Partial<Row>; fault: string }>([
    { change: { id: 'R-RUN-12' }, fault: 'its id is not known' },
    { change: { id: 'R-FUN-01' }, fault: 'its id is not known' },
    { change: { id: 'R-RUN-00' }, fault: 'its id is not known' },
    { change: { source: 'Data Twenty' }, fault: 'its source does not say its force' },
    { change: { state: 'finished' }, fault: 'its state is none of done, open, refused' },
    { change: { tests: [] }, fault: 'it is done and no test shows it' },
    { change: { files: [] }, fault: 'it is done and enforced nowhere' },
    { change: { state: 'open' }, fault: 'it does not say what is missing, or why not' },
    { change: { state: 'refused: no' }, fault: 'it does not say what is missing, or why not' },
    { change: { files: ['gateway/dream.ts'] }, fault: 'no file gateway/dream.ts' },
    { change: { tests: ['tests/a.test.ts › another'] }, fault: 'no test tests/a.test.ts › another' },
    {
      change: { tests: ['tests/b.test.ts › no row leaves'] },
      fault: 'no test tests/b.test.ts › no row leaves',
    },
  ])('would not pass: $fault', ({ change, fault }) => {
    expect(faultsOf({ ...GOOD, ...change }, namesIn)).toContain(fault);
  });

  test('is read cell by cell, and text that is no file is a fault', () => {
    const line =
      '| R-RUN-01 | no row | Data Twenty (plan) | `a.ts`, `b.ts` | `t.test.ts › x`<br>`t.test.ts › y` | done |';
    const [row] = rowsOf(`\n## Rules\n\n| head |\n| --- |\n${line}`);
    expect(row).toMatchObject({
      files: ['a.ts', 'b.ts'],
      tests: ['t.test.ts › x', 't.test.ts › y'],
      state: 'done',
    });
    expect(spansOf('see a.ts')).toEqual(['see a.ts (not a list of spans)']);
    expect(spansOf(NOTHING)).toEqual([]);
  });
});
