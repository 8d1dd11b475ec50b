/** The audit's table: a claim in each row, its places below each other in their columns. */
import type { Verdict } from './results.ts';

/** Widths of the columns; a longer text goes on in the next line. */
const WIDTHS = { claim: 34, code: 44, tests: 60, controls: 60, result: 7, n: 6, seconds: 8 };

type Cells = Readonly<Record<keyof typeof WIDTHS, string>>;

export const HEAD = rowOf({
  claim: 'CLAIM',
  code: 'CODE',
  tests: 'TESTS',
  controls: 'CONTROLS',
  result: 'RESULT',
  n: 'N',
  seconds: 'SECONDS',
});

/** The lines of one claim. */
export function linesOf({ claim, passed, n, seconds }: Verdict): string {
  return rowOf({
    claim: `${claim.id}\n${claim.sentence}`,
    code: claim.code.join('\n'),
    tests: claim.tests.join('\n'),
    controls: claim.controls.join('\n'),
    result: passed ? 'passed' : 'FAILED',
    n: String(n),
    seconds: seconds.toFixed(1),
  });
}

function rowOf(cells: Cells): string {
  const columns = Object.entries(WIDTHS).map(([name, width]) => ({
    width,
    lines: cells[name as keyof Cells].split('\n').flatMap((text) => wrapped(text, width)),
  }));
  const height = Math.max(...columns.map(({ lines }) => lines.length));
  const line = (index: number): string =>
    columns
      .map(({ lines, width }) => (lines[index] ?? '').padEnd(width))
      .join('  ')
      .trimEnd();
  return Array.from({ length: height }, (_, index) => line(index)).join('\n');
}

/** Lines of at most `width` characters, broken at blanks where there are any; those after the first are indented. */
function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let rest = text;
  while (rest.length > width) {
    const blank = rest.lastIndexOf(' ', width);
    const cut = blank > 4 ? blank : width;
    lines.push(rest.slice(0, cut));
    rest = `  ${rest.slice(cut).trimStart()}`;
  }
  return [...lines, rest];
}
