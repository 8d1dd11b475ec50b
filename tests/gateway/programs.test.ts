/** Programs over HTTP: submission, review by both sides, jobs that run them, and every way to stop them. */
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verifyReceipt } from '#crypto/receipt.ts';
import { catalogueOf, compileAsk, type KeptRequest } from '#gateway/services/planning.ts';
import { recheck } from '#gateway/runner/recheck.ts';
import { startRunner } from '#gateway/runner/runner.ts';
import { Sources } from '#gateway/runner/sources.ts';
import { listDatasets } from '#gateway/storage/dataset-list.ts';
import { findViolations } from '#gateway/storage/invariants.ts';
import { PARSER_VERSION } from '#sandbox/program/admission/parse.ts';
import { claimJob } from '#gateway/storage/queue.ts';
import { WorkerPool } from '#sandbox/worker/pool.ts';
import { MODULE, STATEFUL_MODULE, visitsDigest, visitsManifest } from '#tests/support/visits-program.ts';
import {
  ASK,
  jsonOf,
  makeGrant,
  makeWorld,
  type Person,
  untilReleaseTime,
  type World,
  worldGrant,
} from '#tests/support/gateway-world.ts';

let world: World;
beforeAll(async () => {
  world = await makeWorld();
});
afterAll(() => world.close());

let made = 0;
/** A module that nobody submitted before. */
const freshModule = (): string => `${MODULE}// ${(made += 1)}\n`;

interface Shown {
  readonly digest: string;
  readonly state: string;
  readonly version: number;
  readonly waitsFor: readonly string[];
  readonly events: readonly {
    event: string;
    account: string;
    side: string;
    detail: Record<string, unknown>;
  }[];
}

const submit = (person: Person, body: object = {}): Promise<Response> =>
  world.as(person, '/v1/programs', { module: freshModule(), manifest: visitsManifest(), ...body });
async function submitted(body: object = {}): Promise<string> {
  const response = await submit('ben', body);
  expect(response.status).toBe(201);
  return (await jsonOf<Shown>(response)).digest;
}
const show = (person: Person, digest: string): Promise<Response> =>
  world.as(person, `/v1/programs/${digest}`);
const act = (person: Person, digest: string, what: string, body: object): Promise<Response> =>
  world.as(person, `/v1/programs/${digest}/${what}`, body);
/** Reads and approves. */
async function approveBy(person: Person, digest: string, body: object = {}): Promise<Response> {
  await show(person, digest);
  return act(person, digest, 'approval', body);
}
async function approved(body: object = {}): Promise<string> {
  const digest = await submitted(body);
  for (const person of ['olga', 'petra'] as const) expect((await approveBy(person, digest)).status).toBe(200);
  return digest;
}
const stateOf = async (digest: string): Promise<string> => (await jsonOf<Shown>(show('ben', digest))).state;
const codeOf = async (response: Promise<Response> | Response): Promise<string> =>
  String((await jsonOf(response))['code']);
const askOf = (program: string, changes: object = {}): object => {
  const { sql: _sql, ...terms } = ASK;
  return { ...terms, program, params: { age: (made += 1) }, ...changes };
};

describe('a submission', () => {
  test('is scanned, and its digest is that of module and manifest', async () => {
    const module = freshModule();
    const record = { algorithmType: 'sum of costs', securityReview: 'none needed' };
    const response = await submit('ben', { module, record });
    expect(response.status).toBe(201);
    const made = await jsonOf<Shown>(response);
    expect(made).toMatchObject({
      digest: visitsDigest(module),
      state: 'scanned',
      version: 1,
      datasets: ['visits'],
    });
    const shown = await jsonOf(show('ben', made.digest));
    expect(shown).toMatchObject({ module, manifest: visitsManifest() });
    expect(shown['record']).toEqual({
      algorithmType: 'sum of costs',
      modelType: null,
      scene: null,
      implementation: null,
      intellectualProperty: null,
      securityReview: 'none needed',
    });
    const [, scanned] = (shown['events'] as Shown['events']).map(({ event, detail }) => ({ event, detail }));
    expect(scanned).toEqual({ event: 'scanned', detail: { tools: { acorn: PARSER_VERSION }, findings: [] } });
    // Again it is the same program; as another version it is another one.
    expect(await codeOf(submit('ben', { module }))).toBe('CONFLICT');
    expect(await jsonOf(submit('ben'))).toMatchObject({ version: 2, state: 'scanned' });
  });

  test('takes the manifest as text too, and one Idempotency-Key makes one program', async () => {
    const body = { module: freshModule(), manifest: JSON.stringify(visitsManifest()) };
    const [first, second] = [
      await jsonOf(world.as('ben', '/v1/programs', body, { 'idempotency-key': 'p-1' })),
      await jsonOf(world.as('ben', '/v1/programs', body, { 'idempotency-key': 'p-1' })),
    ];
    expect(first).toEqual(second);
    expect(first['digest']).toBe(visitsDigest(body.module));
  });

  test('with errors is refused with every finding and its place, and nothing is kept', async () => {
    const module = STATEFUL_MODULE;
    const response = await submit('ben', { module });
    expect(response.status).toBe(422);
    expect(await jsonOf(response)).toMatchObject({
      code: 'PROGRAM_NOT_ADMITTED',
      findings: [{ rule: 'state', line: 3, column: 3, severity: 'error', message: expect.any(String) }],
    });
    expect((await show('ben', visitsDigest(module))).status).toBe(404);
  });

  test.for([
    [
      'about a dataset that there is not',
      { manifest: visitsManifest({ inputs: { nothing: ['age'] } }) },
      'TABLE',
    ],
    ['with a manifest that is none', { manifest: { kind: 'Grant' } }, 'CONFIG'],
    ['with a field of its own', { note: 'x' }, 'PARAM'],
    ['with NUL in its module', { module: `${MODULE}\0` }, 'PARAM'],
  ] as const)('%s is refused', async ([, body, code]) => {
    expect(await codeOf(submit('ben', body))).toBe(code);
  });

  test.for(['olga', 'petra', 'adele', 'susan', 'bill'] as const)('is not for %s to make', async (person) => {
    expect(await codeOf(submit(person))).toBe('NO_GRANT');
  });
});

describe('a review', () => {
  test('needs both sides, and is in force with the second', async () => {
    const digest = await submitted();
    expect(await stateOf(digest)).toBe('scanned');
    expect(await jsonOf(approveBy('olga', digest, { opinion: 'sound' }))).toMatchObject({
      state: 'in_review',
      side: 'operator',
    });
    // One side alone is not enough: nothing runs.
    expect(await codeOf(world.as('ben', '/v1/jobs', askOf(digest)))).toBe('PROGRAM_NOT_APPROVED');
    expect((await jsonOf<Shown>(show('ben', digest))).waitsFor).toEqual([
      'the approval of the provider `health-bureau`',
    ]);
    expect(await jsonOf(approveBy('petra', digest))).toMatchObject({ state: 'approved', side: 'provider' });
    expect((await world.as('ben', '/v1/jobs', askOf(digest))).status).toBe(202);
  });

  test('is not opened by two people of one side', async () => {
    const digest = await submitted();
    expect((await approveBy('olga', digest)).status).toBe(200);
    expect(await codeOf(approveBy('oscar', digest))).toBe('CONFLICT');
    // Who is no provider of these data does not speak for that side.
    expect(await codeOf(approveBy('oscar', digest, { side: 'provider' }))).toBe('NO_GRANT');
    expect(await codeOf(approveBy('petra', digest, { side: 'operator' }))).toBe('NO_GRANT');
    expect(await stateOf(digest)).toBe('in_review');
  });

  test.for(['ben', 'berta', 'rival', 'bill', 'adele', 'susan'] as const)('is not for %s', async (person) => {
    const digest = await submitted();
    for (const [what, body] of [
      ['approval', {}],
      ['rejection', { reason: 'RISK_TOO_HIGH', text: 'x', basis: 'y' }],
    ] as const)
      expect((await act(person, digest, what, body)).status).toBe(403);
  });

  test('is nobody’s of the applicant’s organisation, also where that provides the data or runs the platform', async () => {
    const own = await jsonOf<Shown>(submit('paul'));
    expect(await codeOf(approveBy('petra', own.digest))).toBe('NO_GRANT');
    expect((await approveBy('olga', own.digest)).status).toBe(200);
    const platform = await jsonOf<Shown>(submit('opal'));
    expect(await codeOf(approveBy('olga', platform.digest))).toBe('NO_GRANT');
    expect(await codeOf(act('olga', platform.digest, 'rejection', REJECTION))).toBe('NO_GRANT');
  });

  const REJECTION = { reason: 'METHOD_UNSOUND', text: 'sums identities', basis: 'use agreement 3, §4' };

  test('rejects only with code, reason and basis, for good; a corrected program is another one', async () => {
    const digest = await submitted();
    await show('petra', digest);
    for (const missing of ['reason', 'text', 'basis'] as const) {
      const { [missing]: _left, ...rest } = REJECTION;
      expect(await codeOf(act('petra', digest, 'rejection', rest))).toBe('PARAM');
      expect(await codeOf(act('petra', digest, 'rejection', { ...REJECTION, [missing]: ' ' }))).toBe('PARAM');
    }
    expect(await stateOf(digest)).toBe('in_review');
    expect((await act('petra', digest, 'rejection', REJECTION)).status).toBe(200);
    const { events, state } = await jsonOf<Shown>(show('ben', digest));
    expect(state).toBe('rejected');
    expect(events.at(-1)).toMatchObject({ event: 'rejected', account: 'petra', detail: REJECTION });
    expect(await codeOf(approveBy('olga', digest))).toBe('CONFLICT');
    expect(await codeOf(world.as('ben', '/v1/jobs', askOf(digest)))).toBe('PROGRAM_NOT_APPROVED');
    expect(await approved()).not.toBe(digest);
  });

  test('is decided by who was shown the code, and every reading but the owner’s is on record', async () => {
    const digest = await submitted();
    expect(await codeOf(act('olga', digest, 'approval', {}))).toBe('CONFLICT');
    for (const person of ['ben', 'olga', 'olga', 'petra', 'adele', 'susan'] as const)
      expect((await show(person, digest)).status).toBe(200);
    for (const person of ['rival', 'bill'] as const)
      expect((await show(person, digest)).status).not.toBe(200);
    const { events } = await jsonOf<Shown>(show('olga', digest));
    const readings = events
      .filter(({ event }) => event === 'read')
      .map(({ account, side }) => [account, side]);
    expect(readings).toEqual([
      ['olga', 'operator'],
      ['olga', 'operator'],
      ['petra', 'provider'],
      ['adele', 'oversight'],
      ['susan', 'oversight'],
      ['olga', 'operator'],
    ]);
    const seen = await jsonOf<Shown>(show('ben', digest));
    expect(seen.events.map(({ event }) => event)).toEqual(['submitted', 'scanned', 'in_review']);
  });

  test('lists to each reader his own, and nobody’s code', async () => {
    const digest = await submitted();
    const listed = async (person: Person): Promise<boolean> => {
      const text = await (await world.as(person, '/v1/programs?limit=200')).text();
      expect(text).not.toContain('row.cost');
      return text.includes(digest);
    };
    for (const person of ['ben', 'berta', 'olga', 'petra', 'adele', 'susan'] as const)
      expect([person, await listed(person)]).toEqual([person, true]);
    expect(await listed('rival')).toBe(false);
  });
});

describe('a job of an approved program', () => {
  test('is quoted, run, released, receipted and metered under its digest', async () => {
    const program = await approved();
    const ask = askOf(program, { params: { age: 30 } });
    const quote = await jsonOf(world.as('ben', '/v1/quotes', ask));
    expect(quote).toMatchObject({ refused: null, dataset: 'visits' });
    const job = await jsonOf<{ id: string }>(world.as('ben', '/v1/jobs', { ...ask, quote: quote['id'] }));
    expect(job).toMatchObject({
      program,
      planDigest: quote['planDigest'],
      request: { program, params: { age: 30 } },
    });
    await world.runAll();
    await untilReleaseTime(world.db, job.id);
    const done = await jsonOf(world.as('ben', `/v1/jobs/${job.id}`));
    expect(done).toMatchObject({ state: 'done', outcome: 'released', program });
    const { receipt } = await jsonOf<{ receipt: string }>(world.as('ben', `/v1/receipts/${job.id}`));
    const { payload } = await verifyReceipt({ receipt, keys: [world.receiptKey.publicJwk] });
    expect(payload?.program).toEqual({ digest: program, profile: 'strict' });
    expect(payload?.request.frontEnd).toBe('program');
    const usage = await (await world.as('olga', '/v1/usage?limit=200')).text();
    expect(usage).toContain(program);
    // Its parameters are its text: whoever may not read a query may not read them.
    expect(await jsonOf(world.as('olga', `/v1/jobs/${job.id}`))).not.toHaveProperty('request');
    // The same again is a repeat; with another parameter it is another question.
    expect(await jsonOf(world.as('ben', '/v1/quotes', ask))).toMatchObject({ repeat: true });
    const other = { ...ask, params: { age: 31 } };
    expect(await jsonOf(world.as('ben', '/v1/quotes', other))).toMatchObject({
      repeat: false,
      refused: null,
    });
  });

  test('needs the columns that it reads, the manner, and its digest on a grant that lists programs', async () => {
    const program = await approved();
    const another = await approved();
    const columns = (names: readonly string[]) => ({
      datasets: [{ dataset: 'visits', version: 'latest', columns: names, rowScope: 'all' }],
    });
    const GRANTS: readonly (readonly [string, object, string | null])[] = [
      ['g-columns', columns(['age']), 'COLUMN'],
      ['g-sql', { manners: ['sql'] }, 'MODE'],
      ['g-listed', { manners: ['program'], programs: [another] }, 'MODE'],
      ['g-this', { manners: ['program'], programs: [another, program] }, null],
      ['g-any', { manners: ['program'] }, null],
    ];
    for (const [grant, changes, code] of GRANTS) {
      await makeGrant(world.db, worldGrant({ id: grant, ...changes }));
      const quote = await jsonOf(world.as('ben', '/v1/quotes', askOf(program, { grant })));
      const { refused } = quote as { refused: { code: string } | null };
      expect([grant, refused?.code ?? null]).toEqual([grant, code]);
    }
  });

  test('is refused when one byte of module or manifest is another, and when it is somebody else’s', async () => {
    const module = freshModule();
    const program = await approved({ module });
    const changed = [
      visitsDigest(`${module} `),
      visitsDigest(module, visitsManifest({ name: 'dear-visits ' })),
      `${program.slice(0, -1)}${program.endsWith('0') ? '1' : '0'}`,
    ];
    for (const digest of changed)
      expect(await codeOf(world.as('ben', '/v1/jobs', askOf(digest)))).toBe('PROGRAM_NOT_APPROVED');
    await makeGrant(world.db, worldGrant({ id: 'g-rival', holder: 'rival-lab' }));
    expect(await codeOf(world.as('rival', '/v1/jobs', askOf(program, { grant: 'g-rival' })))).toBe(
      'PROGRAM_NOT_APPROVED',
    );
    // Bytes changed in the database, behind the guards: what is kept is no longer what was approved.
    await world.db.transact(async (tx) => {
      await tx.rows(sql`SET LOCAL session_replication_role = replica`);
      await tx.rows(sql`UPDATE program SET module = module || ' ' WHERE digest = ${program}`);
    });
    expect(await codeOf(world.as('ben', '/v1/jobs', askOf(program)))).toBe('PROGRAM_NOT_APPROVED');
  });

  test.for([
    ['sql beside it', { sql: 'SELECT COUNT(*) FROM visits' }],
    ['a parameter that is an object', { params: { age: {} } }],
    ['a parameter with NUL', { params: { age: '\0' } }],
  ] as const)('with %s is no request', async ([, changes]) => {
    expect(await codeOf(world.as('ben', '/v1/jobs', askOf(visitsDigest(), changes)))).toBe('PARAM');
  });

  test('is refused by the runner when its approval is gone by then', async () => {
    const program = await approved();
    const { id } = await jsonOf<{ id: string }>(world.as('ben', '/v1/jobs', askOf(program)));
    const job = await claimJob(world.db, { runner: 'by hand', leaseMs: 60_000 });
    expect(job?.id).toBe(id);
    const shell = { db: world.db, policies: world.shell.policies, channel: 'operation' } as const;
    const checked = async (): Promise<string> => {
      const ask = job?.request as KeptRequest;
      try {
        const catalogue = catalogueOf(await listDatasets(world.db));
        const compiled = await compileAsk(world.db, { ask, organisation: 'city-university' }, catalogue);
        return (await recheck(shell, job as never, compiled))?.effect ?? '';
      } catch (error) {
        return (error as { code: string }).code;
      }
    };
    expect(await checked()).toBe('permit');
    expect((await act('petra', program, 'withdrawal', { reason: 'flawed' })).status).toBe(200);
    expect(await checked()).toBe('PROGRAM_NOT_APPROVED');
    expect(await codeOf(world.as('ben', '/v1/jobs', askOf(program)))).toBe('PROGRAM_NOT_APPROVED');
    await world.db.rows(sql`UPDATE job SET state = 'queued' WHERE id = ${id}`);
    await world.runAll();
    expect(await jsonOf(world.as('ben', `/v1/jobs/${id}`))).toMatchObject({ state: 'done', releaseId: null });
  });
});

describe('a withdrawal', () => {
  test.for(['ben', 'olga', 'petra', 'susan'] as const)(
    'is for %s, alone and with a reason',
    async (person) => {
      const digest = await approved();
      expect(await codeOf(act(person, digest, 'withdrawal', {}))).toBe('PARAM');
      expect((await act(person, digest, 'withdrawal', { reason: 'found a fault' })).status).toBe(200);
      expect(await stateOf(digest)).toBe('withdrawn');
      expect(await codeOf(act(person, digest, 'withdrawal', { reason: 'again' }))).toBe('CONFLICT');
    },
  );

  test.for(['rival', 'adele', 'bill'] as const)('is not for %s', async (person) => {
    const digest = await approved();
    expect((await act(person, digest, 'withdrawal', { reason: 'x' })).status).toBeGreaterThanOrEqual(403);
    expect(await stateOf(digest)).toBe('approved');
  });
});

describe('stops over HTTP', () => {
  const quoted = async (): Promise<string | null> => {
    const { refused } = await jsonOf<{ refused: { code: string } | null }>(
      world.as('ben', '/v1/quotes', ASK),
    );
    return refused?.code ?? null;
  };

  test.for([
    ['petra', '/v1/datasets/visits'],
    ['olga', '/v1/datasets/visits'],
    ['susan', '/v1/datasets/visits'],
    ['petra', '/v1/grants/g-1'],
    ['susan', '/v1/grants/g-1'],
    ['olga', '/v1/organisations/city-university'],
    ['susan', '/v1/organisations/health-bureau'],
  ] as const)('%s alone suspends %s, and only the operator resumes it', async ([person, path]) => {
    expect(await quoted()).toBeNull();
    expect((await world.as(person, `${path}/suspend`, {})).status).toBe(200);
    expect(await quoted()).toBe('GRANT_REVOKED');
    for (const other of ['petra', 'susan', 'berta'] as const)
      expect((await world.as(other, `${path}/resume`, {})).ok).toBe(false);
    expect((await world.as('olga', `${path}/resume`, {})).status).toBe(200);
    expect(await quoted()).toBeNull();
  });

  test.for([
    ['ben', '/v1/datasets/visits/suspend'],
    ['rival', '/v1/datasets/visits/withdraw'],
    ['adele', '/v1/datasets/visits/suspend'],
    ['petra', '/v1/organisations/city-university/suspend'],
    ['olga', '/v1/organisations/platform/suspend'],
  ] as const)('%s may not post to %s', async ([person, path]) => {
    expect((await world.as(person, path, {})).ok).toBe(false);
    expect(await quoted()).toBeNull();
  });

  test('a dataset that was withdrawn is gone for good', async () => {
    const path = '/v1/datasets/visits_late';
    expect(await jsonOf(world.as('petra', `${path}/withdraw`, {}))).toMatchObject({ state: 'withdrawn' });
    expect(await jsonOf(world.as('olga', `${path}/resume`, {}))).toMatchObject({ state: 'withdrawn' });
  });
});

test('a runner has a worker wait from its start where a program is approved, and only there', async () => {
  const bare = await makeWorld();
  await approved();
  const warmed = async ({ db, bugs }: World): Promise<readonly string[]> => {
    const engines: string[] = [];
    class Workers extends WorkerPool {
      override warm(engine: 'strict' | 'fast'): void {
        engines.push(engine);
      }
    }
    const runner = await startRunner(
      {
        db,
        sources: new Sources({ prepare: false }),
        workers: new Workers(),
        signingKey: world.receiptKey,
        secret: Buffer.alloc(32, 1),
        issuer: 'unseen.example',
        separation: 'none',
        recheck: () => Promise.resolve(null),
        reportAbort: () => undefined,
        reportBug: (error) => void bugs.push(error),
      },
      { name: 'warm', concurrency: 0 },
    );
    await runner.stop();
    return engines;
  };
  expect(await warmed(bare)).toEqual([]);
  expect(await warmed(world)).toEqual(['strict']);
  await bare.close();
});

test('nothing of all this broke an invariant or was a bug', async () => {
  expect(await findViolations(world.db)).toEqual([]);
  expect(world.bugs).toEqual([]);
});
