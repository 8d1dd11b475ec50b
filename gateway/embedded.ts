/**
 * The embedded deployment: gateway and runner as modules of one process, over PGlite or PostgreSQL.
 *
 * Guarantee: the gateway's modules import nothing that opens a source; only the runner's do (a rule of the
 * repository, tested). Receipts say `separation: none`. At the first start an operator organisation and account are
 * made, and the account's key is written to the data directory for whoever owns the machine.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Hono } from 'hono';
import type { SigningKey } from '#crypto/ed25519-key.ts';
import type { Profile } from '#crypto/profile.ts';
import { policyEngine } from '#policies/decide.ts';
import type { Channel } from '#policies/grant.ts';
import type { Sentence } from '#policies/words.ts';
import { linkToCustodian } from './custodian/link.ts';
import { createApp } from './app.ts';
import { keyRelease } from './keys/key-release.ts';
import { readKeysConfig } from './keys/keys-file.ts';
import { LazyKms } from './keys/open-kms.ts';
import { listen } from './http/listening.ts';
import { type DestructionShell, startDestructions } from './runner/key-destruction.ts';
import { createListener } from './runner/listener.ts';
import { WorkerPool } from '#sandbox/worker/pool.ts';
import { recheck } from './runner/recheck.ts';
import type { RunnerShell } from './runner/run-job.ts';
import { startRunner } from './runner/runner.ts';
import { Sources } from './runner/sources.ts';
import { secretOf } from './runner/secret.ts';
import { startHousekeeping } from './services/housekeeping.ts';
import { ensureOperator } from './services/first-operator.ts';
import { loadKeys, operatorKeyPair, receiptKeyOf } from './services/key-files.ts';
import type { Reconciliation } from './services/reconciliation.ts';
import { programTrial } from './services/program-trial.ts';
import type { Shell } from './services/shell.ts';
import { type Database, type DatabasePlace, openDatabase } from './storage/database.ts';

export interface ServeOptions {
  /** Keys, the runner's secret and, without `databaseUrl`, the embedded database. */
  readonly dataDir: string;
  readonly databaseUrl?: string | undefined;
  readonly host: string;
  /** 0: any free port. */
  readonly gatewayPort: number;
  readonly runnerPort: number;
  /** What tokens name as issuer and audience; default: the gateway's address. */
  readonly publicUrl?: string | undefined;
  readonly timeZone: string;
  /** Of the keys of receipts and log, the same at every start; default: international. */
  readonly cryptoProfile?: Profile | undefined;
  readonly reportAbort: RunnerShell['reportAbort'];
  readonly reportBug: (error: unknown, id: string) => void;
  readonly reportReconciliation?: ((found: Reconciliation) => void) | undefined;
}

export interface Served {
  readonly gatewayUrl: string;
  readonly runnerUrl: string;
  /** What to tell people about the database. */
  readonly label: Sentence;
  /** The first operator's account and key. */
  readonly operator: { readonly account: string; readonly key: SigningKey; readonly keyFile: string };
  readonly receiptKeyFile: string;
  close(): Promise<void>;
}

const CHANNEL: Channel = 'operation';
const RATE_PER_MINUTE = 6_000;
const OPERATOR = 'operator';
const CONCURRENCY = 2;

/** Starts gateway and runner. Failure CONFIG or STATE_BUSY when the database cannot be opened. */
export async function serve(options: ServeOptions): Promise<Served> {
  mkdirSync(options.dataDir, { recursive: true, mode: 0o700 });
  const opened = new AsyncDisposableStack();
  try {
    return await serveOpening(options, opened);
  } catch (error) {
    // A port may be taken: what is open already would keep the process alive, and the directory locked.
    await opened.disposeAsync();
    throw error;
  }
}

/** Starts everything; what must be closed, last opened first, goes onto `opened`. */
async function serveOpening(options: ServeOptions, opened: AsyncDisposableStack): Promise<Served> {
  const db = await openDatabase(placeOf(options));
  opened.defer(() => db.close());
  const operator = await keepOperator(db, options.dataDir);
  const { cryptoProfile = 'international' } = options;
  const keys = loadKeys(options.dataDir, {
    logOrigin: 'unseen.local/log',
    receiptKeyFile: null,
    cryptoProfile,
  });
  const kms = new LazyKms(readKeysConfig(options.dataDir, undefined, cryptoProfile));
  opened.defer(() => kms.close());
  const sources = new Sources({ prepare: true, linkOf: linkToCustodian, keys: keyRelease(kms) });
  opened.defer(() => sources.close());
  const policies = policyEngine();
  const workers = new WorkerPool();
  opened.defer(() => workers.close());
  // The port is known only when the gateway listens, and tokens name it: routes are looked up per request.
  let app: Hono | null = null;
  const gateway = await listen((request) => app?.fetch(request) ?? new Response(null, { status: 503 }), {
    host: options.host,
    port: options.gatewayPort,
  });
  opened.defer(() => gateway.close());
  const shell: Shell = {
    db,
    policies,
    trial: programTrial(),
    keys,
    publicUrl: options.publicUrl ?? gateway.url,
    timeZone: options.timeZone,
    channel: CHANNEL,
    ratePerMinute: RATE_PER_MINUTE,
    now: Date.now,
    reportBug: options.reportBug,
  };
  app = createApp(shell) as unknown as Hono;
  const signingKey = receiptKeyOf(options.dataDir, cryptoProfile);
  const issuer = shell.publicUrl;
  const parts = { db, sources, signingKey, issuer, reportBug: options.reportBug };
  const destructions: DestructionShell = { ...parts, kms, waitMs: kms.config.waitMs };
  const reader = (): Promise<Shell> => Promise.resolve(shell);
  const listener = createListener({ ...parts, reader, policies, destructions });
  const runnerHttp = await listen((request) => listener.fetch(request), {
    host: options.host,
    port: options.runnerPort,
  });
  opened.defer(() => runnerHttp.close());
  const runner = await startRunner(
    {
      ...parts,
      workers,
      secret: secretOf(options.dataDir),
      separation: 'none',
      recheck: (job, compiled) => recheck({ db, policies, channel: CHANNEL }, job, compiled),
      reportAbort: options.reportAbort,
    },
    { name: 'embedded', concurrency: CONCURRENCY },
  );
  opened.defer(() => runner.stop());
  opened.defer(startDestructions(destructions));
  opened.defer(startHousekeeping(db, options));
  return {
    gatewayUrl: gateway.url,
    runnerUrl: runnerHttp.url,
    label: db.label,
    operator,
    receiptKeyFile: join(options.dataDir, 'keys', 'receipt-key.jwk'),
    close: () => opened.disposeAsync(),
  };
}

function placeOf({ databaseUrl, dataDir }: ServeOptions): DatabasePlace {
  return databaseUrl === undefined ? { dataDir: join(dataDir, 'database') } : { url: databaseUrl };
}

/** The first operator: made once, with a key that only the owner of the data directory can read. */
async function keepOperator(db: Database, dataDir: string): Promise<Served['operator']> {
  const { key, file } = operatorKeyPair(dataDir);
  await ensureOperator(db, {
    organisation: { id: OPERATOR, name: 'Operator' },
    account: OPERATOR,
    jwk: { ...key.publicJwk },
  });
  return { account: OPERATOR, key, keyFile: file };
}
