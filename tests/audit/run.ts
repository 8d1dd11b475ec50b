/**
 * The audit: `npm run audit [-- [--json] ID…]` runs the tests of every claim at full size and prints one table.
 *
 * A claim (claims.ts) passes when its code and its tests are there and every test and every control passed; a skipped
 * one did not. `--json` prints a claim per line instead. Progress goes to stderr.
 * Seconds are those of the tests themselves, without what a file sets up before. Exit: 0 all passed, 1 not, 2 arguments.
 */
import type { Claim } from './claim.ts';
import { CLAIMS } from './claims.ts';
import { faultsOf, testAt } from './places.ts';
import { type FileResult, resultAt, runFile, type Verdict } from './results.ts';
import { HEAD, linesOf } from './table.ts';

const [EXIT_FAILED, EXIT_ARGUMENTS] = [1, 2];
const ROOT = new URL('../..', import.meta.url).pathname;

async function main(words: readonly string[]): Promise<void> {
  const ids = words.filter((word) => word !== '--json');
  const unknown = ids.find((id) => !CLAIMS.some((claim) => claim.id === id));
  if (unknown !== undefined) {
    tell(`no ${unknown}; there are ${CLAIMS.map(({ id }) => id).join(', ')}`);
    process.exitCode = EXIT_ARGUMENTS;
    return;
  }
  process.chdir(ROOT);
  const claims = CLAIMS.filter(({ id }) => ids.length === 0 || ids.includes(id));
  const results = await runAll(claims);
  const verdicts = claims.map((claim) => verdictOf(claim, results));
  if (words.includes('--json')) for (const verdict of verdicts) print(JSON.stringify(lineOf(verdict)));
  else for (const text of [HEAD, ...verdicts.map(linesOf)]) print(text);
  for (const { claim, faults } of verdicts) for (const fault of faults) tell(`${claim.id}: ${fault}`);
  const failed = verdicts.filter(({ passed }) => !passed).length;
  tell(`${verdicts.length - failed} of ${verdicts.length} claims passed`);
  if (failed > 0) process.exitCode = EXIT_FAILED;
}

/** The results of every file that a claim needs, by file. */
async function runAll(claims: readonly Claim[]): Promise<ReadonlyMap<string, FileResult>> {
  const places = claims.flatMap(({ tests, controls }) => [...tests, ...controls]);
  const files = [...new Set(places.map((place) => testAt(place).file))].toSorted();
  const results = new Map<string, FileResult>();
  for (const file of files) {
    tell(`${results.size + 1} of ${files.length}: ${file}`);
    const result = await runFile(file, ROOT);
    const passed = result.tests.filter(({ status }) => status === 'passed').length;
    tell(`  ${passed} of ${result.tests.length} tests passed, ${result.seconds.toFixed(1)} s`);
    results.set(file, result);
  }
  return results;
}

function verdictOf(claim: Claim, files: ReadonlyMap<string, FileResult>): Verdict {
  const results = [...claim.tests, ...claim.controls].map((place) =>
    resultAt(place, files.get(testAt(place).file)!),
  );
  const lost = results.filter(({ passed }) => !passed);
  const faults = [
    ...faultsOf(claim),
    ...lost.map(({ place, n }) => (n === 0 ? `did not run: ${place}` : `not passed: ${place}`)),
  ];
  return {
    claim,
    passed: faults.length === 0,
    n: results.reduce((sum, { n }) => sum + n, 0),
    seconds: results.reduce((sum, { seconds }) => sum + seconds, 0),
    faults,
    results,
  };
}

function lineOf({ claim, ...verdict }: Verdict): object {
  return { ...claim, ...verdict, seconds: Number(verdict.seconds.toFixed(3)) };
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function tell(text: string): void {
  process.stderr.write(`audit: ${text}\n`);
}

await main(process.argv.slice(2));
