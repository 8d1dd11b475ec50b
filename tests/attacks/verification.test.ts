/**
 * Verification (核验), an answer about one named person or firm: everybody tries to turn it on, everywhere.
 *
 * By grant, policy and manifest; by the request, over HTTP and the command line, as every role; in the database, past all
 * of those; in the policies; in the runner; in the lab. Each try is made again with `statistic`, which must pass.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exportSigningKey } from '#crypto/ed25519-key.ts';
import { recheck } from '#gateway/runner/recheck.ts';
import { catalogueOf, compileAsk, type KeptRequest } from '#gateway/services/planning.ts';
import { listDatasets } from '#gateway/storage/dataset-list.ts';
import { claimJob } from '#gateway/storage/queue.ts';
import { decide, policyEngine } from '#policies/decide.ts';
import { type Grant, OUTPUT_KINDS, parseGrant } from '#policies/grant.ts';
import { Failure, Refusal } from '#policies/refusal.ts';
import { ROLES, USE_ACTIONS } from '#policies/roles.ts';
import { parseDataset } from '#sandbox/manifest/dataset-file.ts';
import { parsePolicy } from '#sandbox/manifest/policy-file.ts';
import { commandLine } from '#tests/cli/captured-terminal.ts';
import { Folder, runBatch, runLab } from '#tests/lab/lab-process.ts';
import { csvOf, manifestOf, policyOf } from '#tests/lab/small-data.ts';
import { runRequest } from '#tests/policies/request-fixture.ts';
import {
  ISSUER,
  jsonOf,
  makeGrant,
  makeWorld,
  PEOPLE,
  type Person,
  type World,
  worldGrant,
} from '#tests/support/gateway-world.ts';

const KIND = 'verification';
const OTHERS = OUTPUT_KINDS.filter((kind) => kind !== KIND);
/** What whoever is refused is offered. */
const OFFER = /match rate over a list of at least the minimum cohort/;

let world: World;
const folder = new Folder();
beforeAll(async () => {
  world = await makeWorld();
  await makeGrant(world.db, worldGrant({ id: 'g-forced', outputKinds: OTHERS }));
  await makeGrant(world.db, worldGrant({ id: 'g-over', end: '2021-01-01T00:00:00+08:00' }));
  // Past every check of a file: what whoever holds the database could write.
  await world.db.rows(sql`
    UPDATE access_grant SET body = jsonb_set(body, '{outputKinds}', ${JSON.stringify(OUTPUT_KINDS)}::jsonb)
    WHERE id = 'g-forced'`);
  await world.db.rows(sql`
    UPDATE dataset SET policy = jsonb_set(policy, '{outputKinds}', ${JSON.stringify(OUTPUT_KINDS)}::jsonb)`);
});
afterAll(async () => {
  folder[Symbol.dispose]();
  await world.close();
});

function codeOf(work: () => unknown): string {
  try {
    work();
    return 'accepted';
  } catch (error) {
    if (error instanceof Refusal || error instanceof Failure) return error.code;
    throw error;
  }
}

describe('in files', () => {
  test('no grant takes it, alone or among others, however it is written', async () => {
    for (const outputKinds of [[KIND], [...OTHERS, KIND], ['Verification'], [`${KIND} `], ['核验']]) {
      const file = worldGrant({ id: 'g-new', outputKinds });
      expect([outputKinds, codeOf(() => parseGrant(file))]).toEqual([outputKinds, 'CONFIG']);
      expect((await world.as('olga', '/v1/grants', file)).status).toBe(422);
    }
    const filed = await jsonOf(
      world.as('olga', '/v1/grants', worldGrant({ id: 'g-new', outputKinds: [KIND] })),
    );
    expect(JSON.stringify(filed)).toMatch(OFFER);
    expect((await world.as('olga', '/v1/grants', worldGrant({ id: 'g-new' }))).status).toBe(201);
  });

  test('no policy and no manifest takes it, nor a switch that they do not know', () => {
    const policy = (changes: object): string =>
      codeOf(() => parsePolicy(JSON.stringify({ ...policyOf(), ...changes }), { path: 'p.yaml' }));
    const dataset = (changes: object): string =>
      codeOf(() =>
        parseDataset(JSON.stringify(manifestOf('d.csv', { ...changes })), {
          path: 'd.yaml',
          requireMaxRows: true,
        }),
      );
    for (const release of ['automatic', 'reviewed'])
      for (const outputKinds of [[KIND], [...OTHERS, KIND]])
        expect(policy({ outputKinds, release })).toBe('CONFIG');
    const switches = [{ [KIND]: true }, { outputKind: KIND }, { allow: [KIND] }, { subject: 'one' }];
    for (const change of switches) {
      expect([change, policy(change), dataset(change)]).toEqual([change, 'CONFIG', 'CONFIG']);
      const granted = worldGrant({ id: 'g-new', ...change });
      expect([change, codeOf(() => parseGrant(granted))]).toEqual([change, 'CONFIG']);
    }
    expect(dataset({ outputKinds: [KIND] })).toBe('CONFIG');
    expect([policy({ outputKinds: OTHERS, release: 'reviewed' }), dataset({})]).toEqual([
      'accepted',
      'accepted',
    ]);
  });
});

const askOf = (dataset: string, outputKind: string) => ({
  purpose: 'public_health',
  sql: `SELECT COUNT(*) FROM ${dataset} WHERE age > 17`,
  outputKind,
});

test.for(['README.md', 'SECURITY.md'])(
  'the first screen of %s says that it is refused, and what is given instead',
  (path) => {
    const screen = readFileSync(path, 'utf8').split('\n').slice(0, 24).join('\n');
    expect(screen).toMatch(/one named person or firm \(verification, 核验\)/);
    expect(screen).toMatch(/whatever the grant, role or setting/);
    expect(screen).toMatch(OFFER);
  },
);

describe('in a request', () => {
  test.for(['visits', 'visits_late', 'visits_reviewed'])(
    'about %s it is OUTPUT_KIND under every grant',
    async (dataset) => {
      for (const grant of ['g-1', 'g-forced', 'g-over', 'g-nowhere', 'practice:visits']) {
        const ask = { ...askOf(dataset, KIND), grant };
        const job = await jsonOf(world.as('ben', '/v1/jobs', ask));
        expect([grant, job]).toMatchObject([grant, { code: 'OUTPUT_KIND', status: 403 }]);
        expect(job['detail']).toMatch(OFFER);
        const quote = await jsonOf(world.as('ben', '/v1/quotes', ask));
        expect(quote).toMatchObject({ cost: null, outputs: [], refused: { code: 'OUTPUT_KIND' } });
        const chinese = await jsonOf(world.as('ben', '/v1/jobs', ask, { 'accept-language': 'zh' }));
        expect(chinese['detail']).toMatch(/名单匹配率/);
      }
      expect(await world.runAll()).toBe(0);
      const ask = { ...askOf(dataset, 'statistic'), grant: 'g-forced' };
      expect(await jsonOf(world.as('ben', '/v1/quotes', ask))).toMatchObject({ refused: null });
    },
  );

  test.for(Object.keys(PEOPLE) as Person[])('%s gets it by no route', async (person) => {
    const ask = { ...askOf('visits', KIND), grant: 'g-forced' };
    const isBuyer = (PEOPLE[person].roles as readonly string[]).includes('buyer');
    const job = await world.as(person, '/v1/jobs', ask);
    expect([job.status, (await jsonOf(job))['code']]).toEqual([403, isBuyer ? 'OUTPUT_KIND' : 'NO_GRANT']);
    const quote = await jsonOf(world.as(person, '/v1/quotes', ask));
    expect(isBuyer ? (quote['refused'] as { code: string }).code : quote['code']).toBe(
      isBuyer ? 'OUTPUT_KIND' : 'NO_GRANT',
    );
  });

  test('nor is it hidden in a field of another kind or under another name', async () => {
    const ask = { ...askOf('visits', 'statistic'), grant: 'g-forced' };
    for (const change of [
      { outputKind: [KIND] },
      { outputKind: 'VERIFICATION' },
      { outputKinds: [KIND] },
      { kind: KIND },
      { subject: 'p-17' },
    ])
      expect([change, (await world.as('ben', '/v1/jobs', { ...ask, ...change })).status]).toEqual([
        change,
        422,
      ]);
  });

  test('on the command line it ends with 4 and says what to ask instead', async () => {
    const line = commandLine({ fetch: (input, init) => world.request(pathOf(input), init) });
    const keyFile = join(line.directory, 'ben.jwk');
    writeFileSync(keyFile, JSON.stringify(exportSigningKey(world.keys.ben)));
    const login = ['--url', 'http://127.0.0.1:1', '--issuer', ISSUER, '--account', 'ben', '--key', keyFile];
    await line.run(['login', ...login]);
    const { purpose, sql: text } = askOf('visits', KIND);
    for (const verb of ['quote', 'query']) {
      const flags = ['--grant', 'g-forced', '--purpose', purpose, '--sql', text];
      const { code, out, err } = await line.run([verb, ...flags, '--output-kind', KIND]);
      expect([verb, code]).toEqual([verb, 4]);
      expect(out + err).toMatch(/OUTPUT_KIND/);
      expect(out + err).toMatch(OFFER);
    }
    const quoted = ['--grant', 'g-forced', '--purpose', purpose, '--sql', text];
    expect((await line.run(['quote', ...quoted])).code).toBe(0);
    line.remove();
  });
});

/** The path of an address that a client calls. */
function pathOf(input: Parameters<typeof fetch>[0]): string {
  const { pathname, search } = new URL(input instanceof Request ? input.url : input);
  return `${pathname}${search}`;
}

describe('past the door', () => {
  test('the policies deny it to every set of roles, whatever the grant names', () => {
    const base = runRequest();
    const grant = base.grant && {
      ...base.grant,
      outputKinds: OUTPUT_KINDS,
      rights: ['process_use', 'operate_product'] as const,
    };
    const allowed: unknown[] = [];
    for (let bits = 0; bits < 2 ** ROLES.length; bits += 1) {
      const roles = ROLES.filter((_, at) => (bits >> at) % 2 === 1);
      for (const action of USE_ACTIONS) {
        const request = { ...base, action, grant, principal: { ...base.principal, roles } };
        if (decide({ ...request, ask: { ...base.ask, outputKind: KIND } }).allowed)
          allowed.push([action, roles]);
      }
    }
    expect(allowed).toEqual([]);
    // Control: the same as a report is allowed to buyers.
    expect(decide({ ...base, grant, ask: { ...base.ask, outputKind: 'report' } }).allowed).toBe(true);
  });

  test('the runner refuses a job that became one after it was admitted', async () => {
    const ask = { ...askOf('visits', 'statistic'), grant: 'g-forced' };
    const { id } = await jsonOf<{ id: string }>(world.as('ben', '/v1/jobs', ask));
    const checked = async (): Promise<string> => {
      await world.db.rows(sql`UPDATE job SET state = 'queued' WHERE id = ${id}`);
      const job = await claimJob(world.db, { runner: 'by hand', leaseMs: 60_000 });
      if (job?.id !== id) throw new RangeError('it is the only job that waits');
      const ask = job.request as KeptRequest;
      const compiled = await compileAsk(
        world.db,
        { ask, organisation: 'city-university' },
        catalogueOf(await listDatasets(world.db)),
      );
      const shell = { db: world.db, policies: policyEngine(), channel: 'operation' } as const;
      return recheck(shell, job, compiled).then(
        () => 'permitted',
        (error: unknown) => (error instanceof Refusal ? error.code : String(error)),
      );
    };
    expect(await checked()).toBe('permitted');
    const written = sql`UPDATE job SET request = jsonb_set(request, '{outputKind}', '"verification"') WHERE id = ${id}`;
    await world.db.rows(written);
    expect(await checked()).toBe('OUTPUT_KIND');
  });

  test('the type of a grant is no way around its parser: no stored grant but the forced one has it', async () => {
    const rows = await world.db.rows<{ id: string; body: Grant }>(sql`SELECT id, body FROM access_grant`);
    const having = rows.filter(({ body }) => body.outputKinds.includes(KIND)).map(({ id }) => id);
    expect(having).toEqual(['g-forced']);
  });
});

describe('in the lab', () => {
  test('it has no flag, no field and no policy', async () => {
    folder.write('data.csv', csvOf(Array.from({ length: 20 }, (_, uid) => ({ uid, age: 30, zip: 'n' }))));
    const dataset = folder.write('dataset.yaml', manifestOf('data.csv'));
    const plain = folder.write('policy.yaml', policyOf());
    const forced = folder.write('forced.yaml', policyOf({ outputKinds: ['statistic', KIND] }));
    const reviewed = folder.write('reviewed.yaml', policyOf({ release: 'reviewed' }));
    const models = folder.write('models.yaml', policyOf({ outputKinds: ['model'] }));
    const text = 'SELECT COUNT(*) FROM people';
    const request = { dataset, policy: plain, sql: text };
    const answers = await runBatch(folder, [
      { ...request, outputKind: KIND },
      { ...request, kind: KIND },
      { ...request, policy: forced },
      { ...request, policy: reviewed },
      { ...request, policy: models },
      request,
    ]);
    expect(answers.map(({ decision, code }) => `${decision} ${code}`)).toEqual([
      'refused PARAM',
      'refused PARAM',
      'failed CONFIG',
      'refused MODE',
      'refused OUTPUT_KIND',
      'released null',
    ]);
    expect(answers[2]?.message).toMatch(OFFER);
    expect(answers[3]?.message).toContain('release: automatic');
    const flags = ['--dataset', dataset, '--policy', plain, '--sql', text, '--output-kind', KIND];
    const { code, answers: told } = await runLab(folder, ...flags);
    expect([code, told[0]?.decision, told[0]?.code]).toEqual([2, 'failed', 'CONFIG']);
  });
});
