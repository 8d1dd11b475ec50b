/**
 * PostgreSQL through node-postgres: the database for anything that bills.
 *
 * Guarantee: every connection commits synchronously, whatever the server's default, and runs READ COMMITTED.
 * Statements are prepared once per connection: a release transaction spends its time on rows, not on plans.
 */
import { createHash } from 'node:crypto';

import { drizzle } from 'drizzle-orm/node-postgres';
import pg from 'pg';

import { Failure } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';

import type { Channel, Driver, Orm, Query, Session } from './database.ts';
import { migratePostgres } from './migration.ts';

/** Above the number of jobs that one process runs at once; PostgreSQL's own limit is 100 by default. */
const CONNECTIONS = 10;
/** A transaction here lasts milliseconds. One that waits this long stands behind something broken. */
const LOCK_TIMEOUT_MS = 15_000;
const IDLE_TIMEOUT_MS = 60_000;
const RECONNECT_MS = 1_000;

const SETTINGS = [
  'synchronous_commit=on',
  'default_transaction_isolation=read\\ committed',
  `lock_timeout=${LOCK_TIMEOUT_MS}`,
  `idle_in_transaction_session_timeout=${IDLE_TIMEOUT_MS}`,
];

/** Opens a pool. Failure CONFIG when the server cannot be reached or the tables are not ours. */
export async function openPostgres(place: {
  readonly url: string;
  readonly role?: string;
  readonly connectionsMax?: number;
}): Promise<Driver> {
  await migratePostgres(place.url);
  const settings = place.role === undefined ? SETTINGS : [...SETTINGS, `role=${place.role}`];
  const connection = { connectionString: place.url, options: settings.map((text) => `-c ${text}`).join(' ') };
  const pool = new pg.Pool({ ...connection, max: place.connectionsMax ?? CONNECTIONS });
  // A connection that breaks while idle is replaced; one that breaks in use fails its own query.
  pool.on('error', () => undefined);
  const ears = new Ears(connection);
  return {
    kind: 'postgres',
    durable: await isDurable(pool),
    orm: drizzle({ client: pool }) as unknown as Orm,
    rows: (query) => run(pool, query),
    transact: (work) => transact(pool, work),
    notify: async (channel, payload) => {
      await pool.query('SELECT pg_notify($1, $2)', [channelName(channel), payload]).catch(() => undefined);
    },
    listen: (channel, heard) => ears.listen(channel, heard),
    close: async () => {
      await ears.close();
      await pool.end();
    },
  };
}

async function transact<Result>(pool: pg.Pool, work: (session: Session) => Promise<Result>): Promise<Result> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query('BEGIN');
    const result = await work(sessionOf(client));
    // The server answers a COMMIT of an aborted transaction with ROLLBACK and no error.
    const { command } = await client.query('COMMIT');
    if (command !== 'COMMIT') throw new RangeError('a failed statement was swallowed inside a transaction');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch((cause: Error) => {
      broken = cause;
    });
    throw error;
  } finally {
    client.release(broken);
  }
}

function sessionOf(client: pg.PoolClient): Session {
  let orm: Orm | undefined;
  return {
    get orm() {
      orm ??= drizzle({ client }) as unknown as Orm;
      return orm;
    },
    rows: (query) => run(client, query),
  };
}

async function run<Row extends object>(on: pg.Pool | pg.PoolClient, query: Query): Promise<Row[]> {
  const { text } = query;
  const result = await on.query({ name: nameOf(text), text, values: [...query.values] });
  return result.rows as Row[];
}

const NAMES = new Map<string, string>();

/** The name under which a connection keeps a statement. Texts are constant, so there are few. */
function nameOf(text: string): string {
  let name = NAMES.get(text);
  if (name === undefined) {
    name = createHash('sha256').update(text).digest('hex').slice(0, 32);
    NAMES.set(text, name);
  }
  return name;
}

async function isDurable(pool: pg.Pool): Promise<boolean> {
  const { rows } = await pool.query<{ fsync: string; writes: string }>(
    `SELECT current_setting('fsync') AS fsync, current_setting('full_page_writes') AS writes`,
  );
  return rows[0]?.fsync === 'on' && rows[0].writes === 'on';
}

function channelName(channel: Channel): string {
  return `unseen_${channel}`;
}

/** One connection that only listens, and comes back by itself. */
class Ears {
  readonly #connection: pg.ClientConfig;
  readonly #hearers = new Map<Channel, Set<(payload: string) => void>>();
  #client: pg.Client | undefined;
  #connecting: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(connection: pg.ClientConfig) {
    this.#connection = connection;
  }

  async listen(channel: Channel, heard: (payload: string) => void): Promise<() => Promise<void>> {
    const hearers = this.#hearers.get(channel) ?? new Set();
    this.#hearers.set(channel, hearers.add(heard));
    if (this.#client === undefined) await (this.#connecting ??= this.#connect());
    else await this.#client.query(`LISTEN ${channelName(channel)}`);
    return async () => {
      hearers.delete(heard);
      await Promise.resolve();
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#connecting?.catch(() => undefined);
    await this.#client?.end();
  }

  async #connect(): Promise<void> {
    const client = new pg.Client(this.#connection);
    client.on('notification', ({ channel, payload }) => {
      for (const [name, hearers] of this.#hearers) {
        if (channelName(name) === channel) for (const heard of hearers) heard(payload ?? '');
      }
    });
    client.on('error', () => undefined);
    try {
      await client.connect();
      for (const channel of this.#hearers.keys()) await client.query(`LISTEN ${channelName(channel)}`);
      client.once('end', () => this.#lost());
      this.#client = client;
    } catch (cause) {
      await client.end().catch(() => undefined);
      throw new Failure('CONFIG', say('storage.unreachable'), { cause });
    } finally {
      this.#connecting = undefined;
    }
  }

  #lost(): void {
    this.#client = undefined;
    if (this.#closed) return;
    this.#timer = setTimeout(() => {
      this.#connecting = this.#connect().then(
        // Whatever was said meanwhile was missed.
        () => [...this.#hearers.values()].forEach((hearers) => hearers.forEach((heard) => heard(''))),
        () => this.#lost(),
      );
    }, RECONNECT_MS).unref();
  }
}
