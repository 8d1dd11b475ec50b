/**
 * The gateway process: reads its configuration, opens the database, wires the API, listens, and stops when told.
 *
 * Guarantee: this process holds no path to a source and loads no module that could open one. With PostgreSQL it works
 * under the role `unseen_gateway`, which the database refuses every source. Without a database address it becomes the
 * embedded deployment, gateway and runner in one process, whose module is loaded only then.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { type Logger, pino } from 'pino';
import { policyEngine } from '#policies/decide.ts';
import { createApp } from './app.ts';
import { type GatewayConfig, gatewayConfig } from './config.ts';
import { listen } from './http/listening.ts';
import { ensureOperator, operatorKeyOf } from './services/first-operator.ts';
import { startHousekeeping } from './services/housekeeping.ts';
import type { Reconciliation } from './services/reconciliation.ts';
import { programTrial } from './services/program-trial.ts';
import { loadKeys } from './services/key-files.ts';
import { closeWhenTold } from './shutdown.ts';
import { openDatabase } from './storage/database.ts';

const RATE_PER_MINUTE = 6_000;

/** A gateway that listens. */
export interface RunningGateway {
  readonly url: string;
  close(): Promise<void>;
}

/** Starts a gateway of its own on PostgreSQL. Failure CONFIG when the database cannot be reached. */
export async function startGateway(
  config: GatewayConfig & { readonly databaseUrl: string },
  reportBug: (error: unknown, requestId: string) => void,
  reportReconciliation?: (found: Reconciliation) => void,
): Promise<RunningGateway> {
  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
  const db = await openDatabase({ url: config.databaseUrl, role: 'unseen_gateway' });
  if (config.operatorKeyFile !== null) {
    const jwk = await operatorKeyOf(JSON.parse(readFileSync(config.operatorKeyFile, 'utf8')));
    await ensureOperator(db, {
      organisation: { id: 'operator', name: 'Operator' },
      account: 'operator',
      jwk,
    });
  }
  const app = createApp({
    db,
    policies: policyEngine(),
    trial: programTrial(),
    keys: loadKeys(config.dataDir, config),
    publicUrl: config.publicUrl,
    timeZone: config.timeZone,
    channel: 'operation',
    ratePerMinute: RATE_PER_MINUTE,
    now: Date.now,
    reportBug,
  });
  const listening = await listen((request) => app.fetch(request), config);
  const stopHousekeeping = startHousekeeping(db, {
    timeZone: config.timeZone,
    reportBug,
    reportReconciliation,
  });
  return {
    url: listening.url,
    close: async () => {
      stopHousekeeping();
      await listening.close();
      await db.close();
    },
  };
}

/** The process: until SIGINT or SIGTERM. */
async function runProcess(): Promise<void> {
  const log = pino({ name: 'unseen-gateway' });
  const config = gatewayConfig();
  const reportBug = (error: unknown, requestId: string): void =>
    log.error({ err: error, requestId }, 'internal error');
  const { databaseUrl } = config;
  const running =
    databaseUrl === undefined
      ? await startEmbedded(config, { log, reportBug })
      : await startGateway({ ...config, databaseUrl }, reportBug, (found) => logReconciliation(log, found));
  log.info({ url: running.url }, 'listening');
  closeWhenTold(running, log);
}

function logReconciliation(log: Logger, { rules, ms, breaches }: Reconciliation): void {
  if (breaches.length === 0) log.info({ rules, ms }, 'reconciled');
  else log.error({ rules, ms, breaches }, 'usage, evidence and bills do not agree');
}

async function startEmbedded(
  config: GatewayConfig,
  { log, reportBug }: { readonly log: Logger; readonly reportBug: (error: unknown, id: string) => void },
): Promise<RunningGateway> {
  const embedded = await import('./embedded.ts');
  const { dataDir, host, port, publicUrl, timeZone, cryptoProfile } = config;
  const served = await embedded.serve({
    dataDir,
    host,
    gatewayPort: port,
    runnerPort: port === 0 ? 0 : port + 1,
    publicUrl,
    timeZone,
    cryptoProfile,
    reportAbort: (abort) => log.warn(abort, 'a program aborted its job'),
    reportBug,
    reportReconciliation: (found) => logReconciliation(log, found),
  });
  return { url: served.gatewayUrl, close: () => served.close() };
}

if (import.meta.main) await runProcess();
