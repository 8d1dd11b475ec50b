/**
 * The benchmarks: `npm run bench [-- [--small] ID…]` prints one JSON object per line on stdout.
 *
 * Without ids all of them run, one after the other. `--small` shrinks everything until only the harness is tried. What
 * each id means, its target and its number on our machine: docs/performance.md.
 */
import { ADMISSION_TIME } from './admission.ts';
import { BILLING } from './billing.ts';
import { stopPostgres } from './durable-postgres.ts';
import { ENCRYPTED } from './encrypted.ts';
import { ENVELOPE } from './envelope.ts';
import { COST_GROWTH } from './growth.ts';
import { LATENCY, THROUGHPUT } from './jobs.ts';
import type { Benchmark } from './measure.ts';
import { READER_MEMORY } from './memory.ts';
import { PLANNING_TIME } from './planning.ts';
import { PROGRAMS } from './programs.ts';
import { READING } from './reading.ts';
import { RELEASE_RATE } from './releases.ts';
import { SAMPLING } from './sampling.ts';
import { SEALING_SM4 } from './sm4.ts';
import { USAGE_WRITING } from './usage-write.ts';

const BENCHMARKS: readonly Benchmark[] = [
  READING,
  PROGRAMS,
  LATENCY,
  THROUGHPUT,
  RELEASE_RATE,
  READER_MEMORY,
  COST_GROWTH,
  SAMPLING,
  PLANNING_TIME,
  ADMISSION_TIME,
  USAGE_WRITING,
  BILLING,
  ENCRYPTED,
  ENVELOPE,
  SEALING_SM4,
];

const EXIT_ARGUMENTS = 2;

async function main(words: readonly string[]): Promise<void> {
  const small = words.includes('--small');
  const ids = words.filter((word) => word !== '--small');
  const known = BENCHMARKS.flatMap((benchmark) => benchmark.ids);
  const unknown = ids.find((id) => !known.includes(id));
  if (unknown !== undefined) {
    process.stderr.write(`bench: no ${unknown}; there are ${known.join(', ')}\n`);
    process.exitCode = EXIT_ARGUMENTS;
    return;
  }
  const asked = new Set(ids.length === 0 ? known : ids);
  for (const benchmark of BENCHMARKS) {
    if (!benchmark.ids.some((id) => asked.has(id))) continue;
    for await (const line of benchmark.run(asked, { small })) process.stdout.write(`${line}\n`);
  }
}

try {
  await main(process.argv.slice(2));
} finally {
  await stopPostgres();
}
