/**
 * The runner process: the only one that opens sources. It works under the database role `unseen_runner`, has a
 * directory, keys and a listener of its own, and knows of the gateway only its public keys.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { parsePublicJwk, thumbprintOf } from '#crypto/ed25519-key.ts';
import { policyEngine } from '#policies/decide.ts';
import { linkToCustodian } from '../custodian/link.ts';
import type { TokenReader } from '../auth/authenticate.ts';
import { type RunnerConfig, runnerConfig } from '../config.ts';
import { listen } from '../http/listening.ts';
import { receiptKeyOf } from '../services/key-files.ts';
import { keyRelease } from '../keys/key-release.ts';
import { readKeysConfig } from '../keys/keys-file.ts';
import { LazyKms } from '../keys/open-kms.ts';
import { closeWhenTold } from '../shutdown.ts';
import { type Database, openDatabase } from '../storage/database.ts';
import { type DestructionShell, startDestructions } from './key-destruction.ts';
import { createListener } from './listener.ts';
import { WorkerPool } from '#sandbox/worker/pool.ts';
import { recheck } from './recheck.ts';
import type { RunnerShell } from './run-job.ts';
import { startRunner } from './runner.ts';
import { secretOf } from './secret.ts';
import { Sources } from './sources.ts';

const CHANNEL = 'operation';

/** A runner that works and listens. */
export interface RunningRunner {
  readonly url: string;
  close(): Promise<void>;
}

/** Starts a runner of its own on PostgreSQL. Failure CONFIG when the database cannot be reached. */
export async function startRunnerProcess(
  config: RunnerConfig & { readonly databaseUrl: string },
  { reportAbort, reportBug }: Pick<RunnerShell, 'reportAbort' | 'reportBug'>,
): Promise<RunningRunner> {
  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
  const db = await openDatabase({ url: config.databaseUrl, role: 'unseen_runner' });
  const signingKey = receiptKeyOf(config.dataDir, config.cryptoProfile);
  // What the gateway is given, so that it can say whose receipts to trust.
  writeFileSync(join(config.dataDir, 'receipt-key.public.jwk'), JSON.stringify(signingKey.publicJwk));
  const policies = policyEngine();
  const workers = new WorkerPool();
  const kms = new LazyKms(readKeysConfig(config.dataDir));
  const sources = new Sources({
    prepare: true,
    keys: keyRelease(kms),
    linkOf: linkToCustodian,
    ...(config.readerMemoryMiB !== undefined && { memoryMiB: config.readerMemoryMiB }),
  });
  const parts = { db, sources, signingKey, issuer: config.publicUrl, reportBug };
  const destructions: DestructionShell = { ...parts, kms, waitMs: kms.config.waitMs };
  const listener = createListener({
    ...parts,
    reader: () => tokenReader(db, config),
    policies,
    destructions,
  });
  const listening = await listen((request) => listener.fetch(request), config);
  const runner = await startRunner(
    {
      ...parts,
      workers,
      secret: secretOf(config.dataDir),
      separation: 'processes',
      recheck: (job, compiled) => recheck({ db, policies, channel: CHANNEL }, job, compiled),
      reportAbort,
    },
    config,
  );
  const stopDestructions = startDestructions(destructions);
  return {
    url: listening.url,
    close: async () => {
      await listening.close();
      await stopDestructions();
      await runner.stop();
      await workers.close();
      await sources.close();
      await kms.close();
      await db.close();
    },
  };
}

/** The gateway's token key, the first of its published set; fetched when a request needs it: registration is rare. */
async function tokenReader(db: Database, { gatewayUrl, publicUrl }: RunnerConfig): Promise<TokenReader> {
  const response = await fetch(`${gatewayUrl}/.well-known/jwks.json`, { redirect: 'error' });
  const { keys } = (await response.json()) as { readonly keys: readonly Readonly<Record<string, unknown>>[] };
  const publicJwk = parsePublicJwk({ kty: keys[0]?.['kty'], crv: keys[0]?.['crv'], x: keys[0]?.['x'] });
  return { db, publicUrl, now: Date.now, keys: { token: { kid: thumbprintOf(publicJwk), publicJwk } } };
}

/** The process: until SIGINT or SIGTERM. */
async function runProcess(): Promise<void> {
  const log = pino({ name: 'unseen-runner' });
  const config = runnerConfig();
  const { databaseUrl } = config;
  if (databaseUrl === undefined)
    throw new RangeError('a runner of its own needs DATABASE_URL; without PostgreSQL use `unseen serve`');
  const running = await startRunnerProcess(
    { ...config, databaseUrl },
    {
      reportAbort: (abort) => log.warn(abort, 'a program aborted its job'),
      reportBug: (error, id) => log.error({ err: error, id }, 'internal error'),
    },
  );
  log.info({ url: running.url }, 'working');
  closeWhenTold(running, log);
}

if (import.meta.main) await runProcess();
