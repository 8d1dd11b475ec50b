/**
 * BL1, BL3, BL3m and BL4: a month of usage of ten buyers is closed, reconciled and exported, on durable PostgreSQL.
 *
 * The records are written before by bulk SQL with their jobs and leaves, outside the measured time, and every invariant
 * of storage holds for them. A month can be closed once, so BL1 is one run; the others are one run each as well, because
 * a run has seconds. Buyers are closed two at a time, as the gateway does it.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { sql } from 'drizzle-orm';
import { periodBounds } from '#gateway/billing/period.ts';
import { type Database, openDatabase } from '#gateway/storage/database.ts';
import { reconcile } from '#gateway/storage/reconcile.ts';
import { closeMonth } from '#gateway/storage/statements.ts';
import {
  addUsage,
  agreementBody,
  type BillingScene,
  factsOf,
  fileApproved,
  fileCard,
  makeBillingScene,
} from '#tests/support/billing-world.ts';
import { createDatabase } from './durable-postgres.ts';
import { type Benchmark, lineOf, msOf, say, type Subject } from './measure.ts';

const RATING: Subject = {
  id: 'BL1',
  name: 'statements of ten buyers closed over 1 M usage records: gathered, rated, numbered, written',
  unit: 'ms',
  better: 'lower',
  against: 'at most 20000',
};
const EXPORT: Subject = {
  id: 'BL3',
  name: '1 M usage records exported as CSV, with a process of its own',
  unit: 'ms',
  better: 'lower',
  against: 'at most 15000',
};
const EXPORT_MEMORY: Subject = {
  id: 'BL3m',
  name: 'peak memory of that process',
  unit: 'MiB',
  better: 'lower',
  against: 'below 256',
};
const RECONCILE: Subject = {
  id: 'BL4',
  name: 'reconciliation of 1 M runs by all thirteen rules',
  unit: 'ms',
  better: 'lower',
  against: 'at most 30000',
};

const EXPORTER = fileURLToPath(new URL('export-process.ts', import.meta.url));
/** As the command line has it. */
const QUICK_START = fileURLToPath(new URL('../../gateway/quick-start.ts', import.meta.url));
/** Garbage is kept as long as there is room: with less room the process shows what an export needs. */
const HEAP = ['--max-old-space-size=96', '--max-semi-space-size=16'];
const MONTH = '2026-10';
const TIME_ZONE = 'Asia/Shanghai';
const BOUNDS = periodBounds(MONTH, TIME_ZONE);
const [BUYERS, KINDS, CLOSED_AT_ONCE] = [10, 100, 2];

export const BILLING: Benchmark = {
  ids: ['BL1', 'BL3', 'BL3m', 'BL4'],
  async *run(asked, { small }) {
    const url = await createDatabase();
    const db = await openDatabase({ url });
    try {
      const [buyers, copies] = small ? [2, 2] : [BUYERS, 1_000_000 / BUYERS / KINDS];
      const scenes = await monthOfUsage(db, buyers, copies);
      // The others ask for a month that was closed.
      const closing = await msOf(() => closeAll(db, scenes));
      if (asked.has('BL1')) yield lineOf(RATING, [closing]);
      if (asked.has('BL3') || asked.has('BL3m')) {
        const { ms, cpuMs, peakMiB, rows } = await exported(url, scenes[0]!.operator);
        say(`${rows} lines exported with ${Math.round(cpuMs)} ms of processor time, PostgreSQL's excepted`);
        if (asked.has('BL3')) yield lineOf(EXPORT, [ms]);
        if (asked.has('BL3m')) yield lineOf(EXPORT_MEMORY, [peakMiB]);
      }
      if (asked.has('BL4')) yield lineOf(RECONCILE, [await msOf(() => reconciled(db))]);
    } finally {
      await db.close();
    }
  },
};

/** Usage of a month: of each buyer a hundred kinds that differ in what they are rated by, some of them failed. */
async function monthOfUsage(db: Database, buyers: number, copies: number): Promise<readonly BillingScene[]> {
  const scenes: BillingScene[] = [];
  const ms = await msOf(async () => {
    for (let buyer = 0; buyer < buyers; buyer += 1) {
      const scene = await makeBillingScene(
        db,
        scenes[0] === undefined ? {} : { operator: scenes[0].operator },
      );
      scenes.push(scene);
      await addMonth(db, scene, copies);
    }
    // What the server does by itself in the course of a month that is not written in two minutes.
    await db.rows(sql`VACUUM ANALYZE`);
    await db.rows(sql`CHECKPOINT`);
  });
  say(`${buyers * KINDS * copies} records made in ${Math.round(ms / 1_000)} s`);
  return scenes;
}

async function addMonth(db: Database, scene: BillingScene, copies: number): Promise<void> {
  const from = '2026-01-01T00:00:00+08:00';
  const body = agreementBody(scene);
  await fileApproved(db, scene, { kind: 'Agreement', id: scene.agreement, body, from });
  const tiers = [
    { upTo: '1000000', unitPrice: '0.10' },
    { upTo: null, unitPrice: '0.05' },
  ];
  const card = await fileCard(db, scene, [
    { basis: 'calls', model: 'unit', unitPrice: '0.004', per: '1' },
    { basis: 'rows', model: 'graduated', per: '1000', tiers },
  ]);
  const specs = Array.from({ length: KINDS }, (_, kind) => ({
    copies,
    at: BOUNDS.from.toISOString(),
    until: BOUNDS.to.toISOString(),
    billing: factsOf(scene, { card }, { costCentre: `cost-centre-${kind % 10}` }),
    planned: { rows: String(1_000 + kind), calls: '1' },
    outcome: kind % 20 === 0 ? ('failed' as const) : ('released' as const),
    quoted: {
      'data_usage/calls': '4000000',
      'data_usage/rows': String((1_000 + kind) * 100_000),
      'technical_service/calls': '0',
    },
  }));
  await addUsage(db, scene, specs);
}

async function closeAll(db: Database, scenes: readonly BillingScene[]): Promise<void> {
  const waiting = [...scenes];
  const clerk = async (): Promise<void> => {
    for (let scene = waiting.shift(); scene !== undefined; scene = waiting.shift()) {
      const { operator: issuer, buyer, clerks } = scene;
      const parties = { issuer, buyer, by: clerks[0] };
      const closed = await closeMonth(db, { ...parties, period: MONTH, ...BOUNDS, timeZone: TIME_ZONE });
      if (closed.kind !== 'closed') throw new Error(`a month is ${closed.kind}`);
    }
  };
  await Promise.all(Array.from({ length: CLOSED_AT_ONCE }, clerk));
}

async function reconciled(db: Database): Promise<void> {
  const breaches = await reconcile(db, { period: MONTH, ...BOUNDS }, (rule, ms) =>
    say(`${rule}: ${Math.round(ms)} ms`),
  );
  if (breaches.length > 0) throw new Error(`not reconciled: ${JSON.stringify(breaches).slice(0, 400)}`);
}

/** What an export takes of a process that does nothing else. */
interface Exported {
  readonly rows: number;
  readonly ms: number;
  readonly cpuMs: number;
  readonly peakMiB: number;
}

async function exported(url: string, organisation: string): Promise<Exported> {
  const child = spawn(
    process.execPath,
    [...HEAP, '--import', QUICK_START, EXPORTER, url, `${organisation}-bill`],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`the export ended with ${code}`);
  return JSON.parse(out) as Exported;
}
