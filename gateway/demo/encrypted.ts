/**
 * `unseen demo --encrypted`: the same visits three times: as they are, sealed at rest, and as encrypted columns whose
 * keys the platform never holds.
 *
 * Keys, sealing, encryption and the custodian are the command line's own, each a process; the custodian answers over
 * mutual TLS. Questions go over HTTP as anyone's. It fails when an answer is further from the plain one than both error
 * bars together allow, or when a question about data whose key is locked away is answered.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { exportSigningKey, generateSigningKey } from '#crypto/ed25519-key.ts';
import { describeJail } from '#sandbox/jail/jail.ts';
import type { Job, Release } from '../client/resources.ts';
import { runStatements } from './generate.ts';
import type { Stage } from './programs.ts';
import { visitsManifest, visitsStatement } from './visits.ts';

const BIN = fileURLToPath(new URL('../bin.js', import.meta.url));
const SEED = 20_261_122;
const REGIONS = ['华北', '东北', '华东', '华中', '华南', '西南', '西北'];
const COLUMNS = ['region', 'cost'];
/** One visit of each patient: so nothing is cut off, and both ways bound the same. */
const POLICY = `kind: ReleasePolicy
mechanism: gaussian
budget: { epsilon: 8, delta: 1e-6 }
perJob: { epsilon: 0.5, max: 1, delta: 1e-7 }
maxGroupsPerUnit: 1
maxRowsPerUnit: 1
jail: preferred
`;
/** Two answers with noise of their own: each is within its 95 % interval, doubled, but for 1 in 10,000. */
const WITHIN = 2;

/** Runs the part. Throws when a server or a command does not do as it should. */
export async function encryptedDemo(stage: Stage, dataDir: string): Promise<void> {
  const [all, first] = ['all', 'visits'].map((name) => join(stage.directory, `${name}.parquet`)) as [
    string,
    string,
  ];
  const one = `SELECT * FROM '${all}' QUALIFY row_number() OVER (PARTITION BY patient_id ORDER BY visited_on, note) = 1`;
  await runStatements([visitsStatement(all, SEED), `COPY (${one}) TO '${first}' (FORMAT parquet)`]);
  const plain = await registered(stage, 'visits', visitsManifest(manifestOf('visits', 'visits.parquet')));
  const sum = (dataset: string): string => `SELECT region, SUM(cost) FROM ${dataset} GROUP BY region`;
  const truth = await answered(stage, plain, sum('visits'));
  await sealed(stage, dataDir, { truth, sql: sum('sealed_visits') });
  await homomorphic(stage, { truth, sql: sum('encrypted_visits') });
}

interface Comparison {
  /** The answer about the plain file. */
  readonly truth: Release;
  readonly sql: string;
}

/** A file that only a jailed reader can read, with a key for one job. */
async function sealed(stage: Stage, dataDir: string, { truth, sql }: Comparison): Promise<void> {
  const { missing } = await describeJail();
  if (missing.length > 0) return stage.line('demo.encrypted.noJail', { missing: missing.join(', ') });
  const key = (act: string) => unseen(stage, 'key', act, 'visits', '--data-dir', dataDir);
  await key('create');
  const file = 'visits.parquet.sealed';
  const dataset = ['--dataset', 'sealed_visits', '--lineage', 'visits', '--data-dir', dataDir];
  await unseen(stage, 'seal', 'visits.parquet', '--key', 'visits', '--out', file, ...dataset);
  await holdsNothing(stage, file);
  const manifest = visitsManifest(manifestOf('sealed_visits', file)).replace(
    `path: ${file} }`,
    `path: ${file}, sealed: { key: visits } }\nlineage: visits`,
  );
  const grant = await registered(stage, 'sealed_visits', manifest);
  await compared(stage, truth, await answered(stage, grant, sql));
  await key('disable');
  const { code } = await ended(stage, grant, sql.replace('SUM(cost)', 'COUNT(*)'));
  await stage.line('demo.encrypted.locked', { code: code ?? '' });
  if (code !== 'KEY_REFUSED') stage.fail();
  await key('enable');
}

/** What a thief of the disk finds: none of the words that are in every row of the plain file. */
async function holdsNothing(stage: Stage, file: string): Promise<void> {
  const bytes = readFileSync(join(stage.directory, file));
  const found = [...REGIONS, 'seen by', 'PAR1'].filter((text) => bytes.includes(text));
  await stage.line('demo.encrypted.disk', { file, mebibytes: (bytes.length / 2 ** 20).toFixed(1) });
  if (found.length > 0) stage.fail();
}

/** Columns that are summed as ciphertexts, and a custodian that adds the noise before anyone sees a number. */
async function homomorphic(stage: Stage, { truth, sql }: Comparison): Promise<void> {
  const place = ['--dir', 'custodian'];
  for (const name of ['order-key', 'provider-key']) {
    const key = generateSigningKey();
    writeFileSync(join(stage.directory, `${name}.jwk`), JSON.stringify(exportSigningKey(key)), {
      mode: 0o600,
    });
    writeFileSync(join(stage.directory, `${name}.pub.jwk`), JSON.stringify(key.publicJwk));
  }
  const keys = ['--platform-key', 'order-key.pub.jwk', '--provider-key', 'provider-key.pub.jwk'];
  const listens = ['--host', '127.0.0.1', '--port', '0', '--with-certificates', '--server-name', '127.0.0.1'];
  const made = await unseen(
    stage,
    'custodian',
    'init',
    ...place,
    ...keys,
    '--purpose',
    stage.purpose,
    ...listens,
  );
  writeFileSync(
    join(stage.directory, 'custodian.jwk'),
    JSON.stringify((made as { publicJwk: object }).publicJwk),
  );
  await unseen(stage, 'custodian', 'keys', ...place, '--create', 'bfv-agg-8k', '--out', 'public');
  const own = visitsManifest(manifestOf('visits', 'visits.parquet'));
  writeFileSync(join(stage.directory, 'visits.yaml'), own);
  const files = ['--dataset', 'visits.yaml', '--out', 'visits.enc', '--keys', 'public'];
  const signed = ['--signing-key', 'provider-key.jwk', '--custodian-key', 'custodian.jwk'];
  const bounds = ['--clear', 'region', '--columns', 'cost', '--rows-per-unit', '1'];
  const url = ['--custodian-url', 'https://127.0.0.1:1'];
  const manifest = await unseen(
    stage,
    'encrypt',
    ...files,
    ...signed,
    ...bounds,
    '--nullable',
    'cost',
    ...url,
  );
  await unseen(stage, 'custodian', 'keys', ...place, '--accept', 'visits.enc/manifest.jws');
  const custodian = await serveCustodian(stage);
  try {
    const grant = await registered(
      stage,
      'encrypted_visits',
      withCustodian(manifest as Encrypted, custodian.url),
    );
    const quote = await stage.client('buyer').quote({ grant, purpose: stage.purpose, sql });
    await stage.text(`${quote.summary ?? ''}\n`);
    await compared(stage, truth, await answered(stage, grant, sql));
  } finally {
    custodian.process.kill('SIGTERM');
  }
}

interface Encrypted {
  readonly source: { readonly custodian: Readonly<Record<string, string>> };
}

/** The dataset.yaml that `unseen encrypt` printed, with the custodian's address and the runner's certificates. */
function withCustodian(dataset: Encrypted, url: string): string {
  const tls = {
    ca: 'custodian/tls/ca.crt',
    cert: 'custodian/tls/client.crt',
    certKey: 'custodian/tls/client.key',
  };
  const custodian = { ...dataset.source.custodian, ...tls, url };
  return JSON.stringify({ ...dataset, source: { ...dataset.source, custodian } });
}

async function serveCustodian(
  stage: Stage,
): Promise<{ readonly process: ChildProcess; readonly url: string }> {
  const process_ = spawn(process.execPath, [BIN, 'custodian', 'serve', '--dir', 'custodian', '--json'], {
    cwd: stage.directory,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const line = await new Promise<string>((done, reject) => {
    createInterface({ input: process_.stdout }).once('line', done);
    process_.once('exit', (code) => reject(new Error(`the custodian ended with ${code}`)));
  });
  const { url } = JSON.parse(line) as { url: string };
  await stage.line('demo.encrypted.custodian', { url, pid: process_.pid ?? 0 });
  return { process: process_, url };
}

function manifestOf(name: string, file: string) {
  return { name, file, origin: 'public' } as const;
}

/** Runs a command of ours where the demo's files are, shows it, and gives what it printed as JSON. */
async function unseen(stage: Stage, ...args: readonly string[]): Promise<unknown> {
  await stage.text(`$ unseen ${args.join(' ')}\n`);
  const { stdout } = await promisify(execFile)(process.execPath, [BIN, ...args, '--json'], {
    cwd: stage.directory,
  });
  return stdout.trim() === '' ? null : (JSON.parse(stdout) as unknown);
}

/** Registers a dataset and has it granted; the grant. */
async function registered(stage: Stage, dataset: string, manifest: string): Promise<string> {
  const { versionId } = await stage
    .client('provider')
    .registerDataset({ manifest, policy: POLICY, baseDirectory: stage.directory });
  await stage.line('demo.registered', { dataset, version: versionId });
  return stage.grant(dataset, COLUMNS);
}

async function ended(stage: Stage, grant: string, sql: string): Promise<Job> {
  const buyer = stage.client('buyer');
  return buyer.waitForJob((await buyer.submit({ grant, purpose: stage.purpose, sql })).id);
}

async function answered(stage: Stage, grant: string, sql: string): Promise<Release> {
  await stage.text(`  ${sql}\n`);
  const job = await ended(stage, grant, sql);
  if (job.releaseId === null) throw new Error(`the demo's question ended as ${job.outcome}/${job.code}`);
  return stage.client('buyer').release(job.releaseId, job.id);
}

/** Both answers, group by group, each with its error bar. */
async function compared(stage: Stage, plain: Release, other: Release): Promise<void> {
  for (const [index, { key, value, low, high }] of other.outputs.entries()) {
    const beside = plain.outputs[index]!;
    const bars = [(high ?? 0) - (low ?? 0), (beside.high ?? 0) - (beside.low ?? 0)].map((width) => width / 2);
    await stage.line('demo.encrypted.beside', {
      key: Object.values(key ?? {}).join(', '),
      value: value ?? 0,
      bar: Math.round(bars[0]!),
      plain: beside.value ?? 0,
      plainBar: Math.round(bars[1]!),
    });
    const distance = Math.abs((value ?? 0) - (beside.value ?? 0));
    if (!(distance <= WITHIN * (bars[0]! + bars[1]!))) stage.fail();
  }
}
