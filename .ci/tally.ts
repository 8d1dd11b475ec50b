/**
 * A Vitest reporter that leaves one closing line, `N passed, N failed, N skipped`, in a file for .ci/run.
 *
 * Guarantee: a file that could not be loaded, a failing hook and an error outside any test count as failed.
 * Vitest's own JSON report leaves the last of these out: it says `success` where the run ends with 1.
 */
import { writeFileSync } from 'node:fs';
import type { Reporter, SerializedError, TestModule } from 'vitest/node';

export default class TallyReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], outside: readonly SerializedError[]): void {
    const file = process.env['TEST_RESULTS_FILE'];
    if (file !== undefined) writeFileSync(file, `${closingLine(modules, outside)}\n`);
  }
}

function closingLine(modules: readonly TestModule[], outside: readonly SerializedError[]): string {
  const counts = { passed: 0, failed: outside.length, skipped: 0, pending: 0 };
  for (const module of modules) {
    const states = [...module.children.allTests()].map((test) => test.result().state);
    for (const state of states) counts[state] += 1;
    if (module.state() === 'failed' && !states.includes('failed')) counts.failed += 1;
  }
  // A test that was begun and never ended is no success.
  return `${counts.passed} passed, ${counts.failed + counts.pending} failed, ${counts.skipped} skipped`;
}
