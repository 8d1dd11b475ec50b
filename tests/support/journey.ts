/**
 * What journeys of the running platform share: servers as processes, the parties of a shop, patience.
 *
 * A journey calls the real HTTP API through the typed client; nothing here reaches into a server.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { generateSigningKey, importSigningKey, type SigningKey } from '#crypto/ed25519-key.ts';
import { Client } from '#gateway/client/client.ts';
import { ProblemError } from '#gateway/client/problem.ts';
import { plainGrant } from '#gateway/services/plain-grant.ts';
import { SPARE_ENVIRONMENT } from '#tests/support/spare-environment.ts';

const PROGRAM = resolve('gateway/bin.js');

/** Where a server listens and who may set it up. */
export interface Platform {
  readonly gatewayUrl: string;
  readonly runnerUrl: string;
  readonly operator: { readonly account: string; readonly key: SigningKey };
}

/** `unseen serve` in a process of its own. */
export interface ServerProcess extends Platform {
  readonly child: ChildProcess;
  /** What it has complained about: the operator's own log. */
  complaints(): string;
  /** Sends a signal and waits for the end. */
  end(signal: NodeJS.Signals): Promise<void>;
}

/** Starts `unseen serve` on a data directory; rejects with what it said when it ends instead of listening. */
export async function startServer(dataDir: string, databaseUrl?: string): Promise<ServerProcess> {
  const args = [PROGRAM, 'serve', '--port', '0', '--runner-port', '0', '--data-dir', dataDir, '--json'];
  const env = { ...SPARE_ENVIRONMENT, ...(databaseUrl && { DATABASE_URL: databaseUrl }) };
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
  const gone = once(child, 'exit');
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => (complaint = (complaint + chunk.toString()).slice(-4_000)));
  const line = once(createInterface(child.stdout), 'line').then(([text]) => String(text));
  const said = await Promise.race([line, gone.then(([code]) => Number(code))]);
  if (typeof said === 'number') throw new Error(`exit ${said}: ${complaint}`);
  const { gatewayUrl, runnerUrl, operator } = JSON.parse(said) as Partial<{
    gatewayUrl: string;
    runnerUrl: string;
    operator: { account: string; keyFile: string };
  }>;
  if (gatewayUrl === undefined || runnerUrl === undefined || operator === undefined)
    throw new Error(`exit ${String((await gone)[0])}: ${said}`);
  const key = importSigningKey(JSON.parse(readFileSync(operator.keyFile, 'utf8')));
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    await gone;
  };
  const first = { account: operator.account, key };
  return { gatewayUrl, runnerUrl, operator: first, child, end, complaints: () => complaint };
}

/** Three parties who do business: each signs in with a key of its own. */
export interface Shop {
  readonly operator: Client;
  readonly provider: Client;
  readonly buyer: Client;
  readonly buyerKey: SigningKey;
}

export interface ShopOptions {
  /** What the server calls itself; default: its address. */
  readonly issuer?: string;
  /** The buyer's, so that a test can see all that a buyer sees. */
  readonly fetch?: typeof fetch;
}

/** Makes the organisations `city-provider` and `city-buyer` with an account each. */
export async function openShop(platform: Platform, options: ShopOptions = {}): Promise<Shop> {
  const { account, key } = platform.operator;
  const operator = clientOf(platform, account, key, { ...options, fetch });
  const keys = { provider: generateSigningKey(), buyer: generateSigningKey() };
  for (const role of ['provider', 'buyer'] as const) {
    const organisation = `city-${role}`;
    await operator.createOrganisation({
      id: organisation,
      name: `City ${role}`,
      region: 'CN',
      sector: 'health',
    });
    const jwk = { ...keys[role].publicJwk };
    await operator.createAccount({ id: role, organisation, roles: [role], jwk });
  }
  return {
    operator,
    provider: clientOf(platform, 'provider', keys.provider, { ...options, fetch }),
    buyer: clientOf(platform, 'buyer', keys.buyer, options),
    buyerKey: keys.buyer,
  };
}

/** A client of one account. */
export function clientOf(
  { gatewayUrl, runnerUrl }: Platform,
  account: string,
  key: SigningKey,
  options: ShopOptions = {},
): Client {
  return new Client({ url: gatewayUrl, runnerUrl, account, key, ...options });
}

export interface GrantTerms {
  readonly id: string;
  readonly dataset: string;
  readonly columns: readonly string[];
  readonly runs?: number;
  /** Default: statistic and index. */
  readonly outputKinds?: readonly string[];
  /** Default: SQL. */
  readonly manners?: readonly string[];
  /** The day from which its terms are counted, as milliseconds; default: now. */
  readonly now?: number;
}

/** Files a grant of a dataset of `city-provider` to `city-buyer` for `public_health`, approved on both sides. */
export async function openGrant({ operator, provider, buyer }: Shop, terms: GrantTerms): Promise<void> {
  const { now = Date.now(), runs = 100, outputKinds, manners, ...rest } = terms;
  const parties = { authoriser: 'city-provider', holder: 'city-buyer' };
  const use = { purpose: 'public_health', scene: 'journey', runs };
  const grant = plainGrant({ ...parties, ...use, ...rest }, now);
  await operator.createGrant({
    ...grant,
    ...(outputKinds !== undefined && { outputKinds }),
    ...(manners !== undefined && { manners }),
  });
  await provider.approveGrant(terms.id, { side: 'provider' });
  await buyer.approveGrant(terms.id, { side: 'buyer' });
}

/** Waits until a server says that it is well. */
export async function answering(url: string): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt += 1) {
    const isWell = await fetch(`${url}/healthz`).then(
      (response) => response.ok,
      () => false,
    );
    if (isWell) return;
    await sleep(100);
  }
  throw new Error(`${url} does not answer`);
}

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((found) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => found(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/** Repeats a call until the server is back; a refusal is an answer. */
export async function patiently<T>(call: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await call();
    } catch (error) {
      if (error instanceof ProblemError || attempt > 100) throw error;
      await sleep(100);
    }
  }
}
