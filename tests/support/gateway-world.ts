/**
 * A gateway in memory for tests: parties, a dataset, a grant, a clock, and a runner that makes numbers up.
 *
 * The runner calls the real storage transactions and the real Release presentation; it stands for the jailed part only,
 * so that tests of the API need no engine and no jail.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import { outputDigestOf } from '#crypto/commitment.ts';
import { generateSigningKey, type SigningKey } from '#crypto/ed25519-key.ts';
import { issueReceipt } from '#crypto/receipt.ts';
import { createApp } from '#gateway/app.ts';
import { signAccessToken } from '#gateway/auth/issuer.ts';
import { evidenceOfCells, releasedPayload, requestPart } from '#gateway/receipt.ts';
import { ledgerTermsOf } from '#gateway/runner/register.ts';
import type { Shell } from '#gateway/services/shell.ts';
import { catalogueOf, compileAsk, type KeptRequest } from '#gateway/services/planning.ts';
import { failJob } from '#gateway/storage/abort.ts';
import { type Database, openDatabase } from '#gateway/storage/database.ts';
import { listDatasets } from '#gateway/storage/dataset-list.ts';
import { openJob } from '#gateway/storage/open.ts';
import { saveAccount, saveOrganisation } from '#gateway/storage/parties.ts';
import { approveGrant, saveGrant } from '#gateway/storage/grant-store.ts';
import { type ClaimedJob, claimJob } from '#gateway/storage/queue.ts';
import { registerDataset } from '#gateway/storage/registration.ts';
import { commitRelease, type ReceiptDraft } from '#gateway/storage/release.ts';
import { policyEngine } from '#policies/decide.ts';
import { parseGrant } from '#policies/grant.ts';
import type { Role } from '#policies/roles.ts';
import { say } from '#policies/words.ts';
import { parseDataset } from '#sandbox/manifest/dataset-file.ts';
import { parsePolicy } from '#sandbox/manifest/policy-file.ts';
import type { Plan, ReleasedCell } from '#sandbox/plan.ts';
import { instantText } from '#sandbox/release/zone.ts';
import { grantFile } from '#tests/policies/request-fixture.ts';
import { emptyImage } from '#tests/support/pglite-image.ts';

export const ISSUER = 'https://unseen.example';

const MANIFEST = `
kind: Dataset
name: visits
title: { en: Hospital visits, zh: 就诊记录 }
source: { type: csv, path: visits.csv }
timeZone: Asia/Shanghai
privacyUnit: patient
origin: public
grade: general
maxRows: 100000
columns:
  patient: { type: string, role: unit }
  region: { type: string, role: key, values: [north, south] }
  cost: { type: number, bounds: [0, 5000], granularity: 0.01 }
  age: { type: integer, bounds: [0, 120] }
  diagnosis_text: { type: string, role: hidden }
`;

const POLICY = `
kind: ReleasePolicy
mechanism: gaussian
budget: { epsilon: 8, delta: 1e-6 }
perJob: { epsilon: 0.25, max: 1, delta: 1e-7 }
maxGroupsPerUnit: 1
maxRowsPerUnit: 4
`;

/** The datasets: the same columns, released as soon as may be, at a planned time a second and a bit later, or by a person. */
const DATASETS = [
  { name: 'visits', timing: '{ quantumMs: 1 }', digest: 'f'.repeat(64) },
  { name: 'visits_late', timing: 'planned', digest: 'e'.repeat(64) },
  { name: 'visits_reviewed', timing: '{ quantumMs: 1 }\nrelease: reviewed', digest: 'd'.repeat(64) },
] as const;

/** Who there is: one account per role, a second buyer of another organisation, and one on each side of a review. */
export const PEOPLE = {
  olga: { organisation: 'platform', roles: ['operator'] },
  oscar: { organisation: 'platform', roles: ['operator'] },
  petra: { organisation: 'health-bureau', roles: ['provider'] },
  ben: { organisation: 'city-university', roles: ['buyer'] },
  berta: { organisation: 'city-university', roles: ['buyer'] },
  rival: { organisation: 'rival-lab', roles: ['buyer'] },
  paul: { organisation: 'health-bureau', roles: ['buyer'] },
  opal: { organisation: 'platform', roles: ['buyer'] },
  bill: { organisation: 'platform', roles: ['billing'] },
  adele: { organisation: 'audit-office', roles: ['auditor'] },
  susan: { organisation: 'regulator', roles: ['supervisor'] },
} as const satisfies Record<string, { organisation: string; roles: readonly Role[] }>;

export type Person = keyof typeof PEOPLE;

export const SQL = 'SELECT region, COUNT(*) AS visits, SUM(cost) AS cost FROM visits GROUP BY region';

/** What a buyer asks for in most tests: allowed by `g-1`. */
export const ASK = { grant: 'g-1', sql: SQL, purpose: 'public_health' };

/** The JSON of an answer. */
export async function jsonOf<Value = Record<string, unknown>>(
  response: Response | Promise<Response>,
): Promise<Value> {
  return (await (await response).json()) as Value;
}

/** A grant of the fixture's wording, in force, for this world's dataset. */
export function worldGrant(changes: Readonly<Record<string, unknown>> = {}): object {
  return {
    ...grantFile(),
    datasets: DATASETS.map(({ name }) => ({
      dataset: name,
      version: 'latest',
      columns: ['region', 'cost', 'age'],
      rowScope: 'all',
    })),
    restrictions: { regions: 'any', sectors: 'any', legal: [] },
    personalData: false,
    consentReference: null,
    start: '2020-01-01T00:00:00+08:00',
    end: '2099-01-01T00:00:00+08:00',
    ...changes,
  };
}

export interface World {
  readonly db: Database;
  readonly shell: Shell;
  readonly keys: Readonly<Record<Person, SigningKey>>;
  readonly receiptKey: SigningKey;
  /** Ids of the releases that were committed, in order, whether they may be seen or not. */
  readonly released: string[];
  /** Bugs that were reported; a test that expects none looks here. */
  readonly bugs: unknown[];
  /** Moves the gateway's clock. */
  advance(ms: number): void;
  request(path: string, init?: RequestInit): Promise<Response>;
  /** A request with a person's token. */
  as(
    person: Person,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Response>;
  /** Runs all that waits. */
  runAll(options?: { readonly fail?: boolean }): Promise<number>;
  close(): Promise<void>;
}

/** Waits until the release time of a job that has run, whether or not it may be seen then. */
export async function untilReleaseTime(db: Database, jobId: string): Promise<void> {
  const [row] = await db.rows<{ ms: number }>(sql`
    SELECT greatest(0, extract(epoch FROM release_at - now()) * 1000)::float8 AS ms FROM job WHERE id = ${jobId}`);
  await sleep(Math.ceil(row?.ms ?? 0) + 1);
}

/** Sets up a world with an approved grant `g-1` of city-university. */
export async function makeWorld(changes: Partial<Pick<Shell, 'trial'>> = {}): Promise<World> {
  const db = await openDatabase({ memory: true, image: await emptyImage() });
  const keys = await setUpWorld(db);
  const receiptKey = generateSigningKey();
  const bugs: unknown[] = [];
  const released: string[] = [];
  let skewMs = 0;
  const shell: Shell = {
    db,
    policies: policyEngine(),
    trial: null,
    keys: {
      token: generateSigningKey(),
      log: { name: 'unseen.example/log', key: generateSigningKey() },
      receipts: [receiptKey.publicJwk],
      statement: generateSigningKey(),
    },
    publicUrl: ISSUER,
    timeZone: 'Asia/Shanghai',
    channel: 'operation',
    ratePerMinute: 100_000,
    now: () => Date.now() + skewMs,
    reportBug: (error) => bugs.push(error),
    ...changes,
  };
  const app = createApp(shell);
  const request = async (path: string, init?: RequestInit): Promise<Response> => app.request(path, init);
  const as: World['as'] = async (person, path, body, headers = {}) => {
    const token = await tokenFor(shell, person);
    const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
    const type = body === undefined ? {} : { 'content-type': 'application/json' };
    return request(path, { ...init, headers: { authorization: `Bearer ${token}`, ...type, ...headers } });
  };
  return {
    db,
    shell,
    keys,
    receiptKey,
    released,
    bugs,
    advance: (ms) => {
      skewMs += ms;
    },
    request,
    as,
    runAll: (how) => runAll(db, receiptKey, { fail: how?.fail ?? false, released }),
    close: () => db.close(),
  };
}

/** Makes everyone and everything of a world in a database; the keys of its accounts. */
export async function setUpWorld(db: Database): Promise<World['keys']> {
  const keys = Object.fromEntries(
    Object.keys(PEOPLE).map((name) => [name, generateSigningKey()]),
  ) as World['keys'];
  await makeParties(db, keys);
  for (const dataset of DATASETS) await makeDataset(db, dataset);
  await makeGrant(db, worldGrant());
  return keys;
}

async function makeParties(db: Database, keys: World['keys']): Promise<void> {
  const organisations = new Set(Object.values(PEOPLE).map(({ organisation }) => organisation));
  for (const id of organisations) {
    await saveOrganisation(db, {
      id,
      name: `The ${id}`,
      region: 'CN-31',
      sector: 'education',
      operator: id === 'platform',
    });
  }
  for (const [id, { organisation, roles }] of Object.entries(PEOPLE)) {
    const { kid, publicJwk } = keys[id as Person];
    await saveAccount(db, { id, organisationId: organisation, roles, keys: [{ ...publicJwk, kid }] });
  }
}

/** Registers a dataset of the health bureau as a runner would; under a population if one is named. */
export async function makeDataset(
  db: Database,
  {
    name,
    timing,
    digest,
    population,
  }: {
    readonly name: string;
    readonly timing: string;
    readonly digest: string;
    readonly population?: string;
  },
): Promise<void> {
  const { source, ...manifest } = parseDataset(
    `${MANIFEST.replaceAll('visits', name)}${population === undefined ? '' : `population: ${population}\n`}`,
    {
      path: '/nowhere/dataset.yaml',
      requireMaxRows: true,
    },
  );
  const policy = parsePolicy(`${POLICY}timing: ${timing}\n`, { path: '/nowhere/policy.yaml' });
  await registerDataset(db, {
    name: manifest.name,
    organisation: 'health-bureau',
    ...ledgerTermsOf(manifest, policy),
    manifest,
    policy,
    policyDigest: policy.digest,
    version: { id: randomBytes(16).toString('hex'), commitment: `hmac-sha256:${'0'.repeat(64)}` },
    source: {
      path: source.path,
      digest,
      identity: { type: 'csv' },
      versionKey: '1'.repeat(64),
    },
  });
}

/** Files and approves a grant without the API, for tests about something else. */
export async function makeGrant(db: Database, file: object): Promise<void> {
  const grant = parseGrant(file);
  const revision = await saveGrant(db, { grant, upstream: [], by: 'olga' });
  await approveGrant(db, { grantId: grant.id, revision, side: 'provider', by: 'petra' });
  await approveGrant(db, { grantId: grant.id, revision, side: 'buyer', by: 'ben' });
}

async function tokenFor(shell: Shell, person: Person): Promise<string> {
  const { organisation, roles } = PEOPLE[person];
  return signAccessToken(shell, { id: person, organisationId: organisation, roles });
}

async function runAll(
  db: Database,
  key: SigningKey,
  { fail, released }: { readonly fail: boolean; readonly released: string[] },
): Promise<number> {
  for (let count = 0; ; count += 1) {
    const job = await claimJob(db, { runner: 'made-up', leaseMs: 60_000 });
    if (job === null) return count;
    const fence = { jobId: job.id, attempt: job.attempt };
    const opened = await openJob(db, fence).catch(() => null);
    if (opened?.kind !== 'opened') continue;
    if (fail) {
      await failJob(db, {
        ...fence,
        code: 'MACHINE_FAULT',
        sentence: say('source.fault'),
        measured: { cpuMs: 7 },
      });
      continue;
    }
    released.push(await makeUp(db, key, job));
  }
}

/** Releases made-up cells as the answer of an opened job; the release's id. */
async function makeUp(db: Database, key: SigningKey, job: ClaimedJob): Promise<string> {
  const request = job.request as KeptRequest;
  const asked = { ask: request, organisation: job.actors['user'] ?? '' };
  const { plan, policy } = await compileAsk(db, asked, catalogueOf(await listDatasets(db)));
  const cells = cellsOf(plan);
  const evidence = evidenceOfCells(cells);
  const salt = randomBytes(16).toString('hex');
  const outputDigest = outputDigestOf(salt, evidence);
  const makeReceipt = (draft: ReceiptDraft): Promise<string> => {
    const payload = releasedPayload(plan, policy, cells, {
      issuer: 'unseen.example',
      jobId: job.id,
      releaseId: draft.releaseId,
      request: requestPart(request),
      grantId: job.grantId,
      purpose: job.purpose,
      policyDecision: null,
      commitment: `hmac-sha256:${'0'.repeat(64)}`,
      budget: [...draft.budget],
      outputDigest,
      usage: draft.planned,
      layers: [],
      separation: 'none',
      releasedAt: instantText(draft.releaseAt.getTime(), 'Asia/Shanghai'),
    });
    return issueReceipt(payload, key, { embedKey: false });
  };
  const { releaseId } = await commitRelease(db, {
    jobId: job.id,
    attempt: job.attempt,
    cells: JSON.stringify(evidence),
    salt,
    outputDigest,
    measured: { cpuMs: 12_345 },
    makeReceipt,
  });
  return releaseId;
}

/** Made-up cells of the Plan's shape: what a jailed reader and Release would give. */
function cellsOf(plan: Plan): readonly ReleasedCell[] {
  const { keys } = plan;
  const [first] = keys.mode === 'none' ? [] : keys.keys;
  const values = first?.domain ?? [null];
  return values.map((value, index) => ({
    key: keys.mode === 'none' ? [] : [value],
    values: plan.aggregates.map(() => [
      { value: 100 * (index + 1), exact: String(100 * (index + 1)), stddev: 2, low: 96, high: 104 },
    ]),
  }));
}
