/**
 * A private PostgreSQL for tests: a fresh cluster in a temporary directory, on a socket of its own, with fsync on.
 *
 * One cluster per test file, copied from an empty one; one database per test or group, made from a migrated template. The server runs as an
 * unprivileged user, because PostgreSQL refuses to run as root, and stops with the process that started it.
 */
import { spawn, spawnSync, type ChildProcess, type SpawnSyncOptions } from 'node:child_process';
import { chownSync, existsSync, globSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import pg from 'pg';

import { openDatabase } from '#gateway/storage/database.ts';

import { tablesDigest } from './tables-digest.ts';

const START_MS = 30_000;
const TEMPLATE = 'unseen_template';

export interface Cluster {
  /** Makes a database with up-to-date tables. Returns its address. */
  createDatabase(): Promise<string>;
  /** Stops the server as a power failure would: no checkpoint, no goodbye. `start` recovers. */
  crash(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** The folder of initdb and postgres, or null. With CI=true they must be there. */
export function findPostgres(): string | null {
  const folders = [
    ...globSync('/usr/lib/postgresql/*/bin').sort().reverse(),
    ...(process.env['PATH'] ?? '').split(delimiter),
  ];
  const found = folders.find(
    (folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')),
  );
  if (found === undefined && process.env['CI'] === 'true') throw new Error('PostgreSQL is not installed');
  return found ?? null;
}

/** Makes and starts a cluster. Tests have little data; PostgreSQL itself comes with 128MB of buffers. */
export async function startCluster({ buffers = '32MB' } = {}): Promise<Cluster> {
  const binaries = findPostgres();
  if (binaries === null) throw new Error('PostgreSQL is not installed');
  const directory = mkdtempSync(join(tmpdir(), 'unseen-pg-'));
  const user = unprivilegedUser();
  if (user !== null) chownSync(directory, user.uid, user.gid);
  const place = { binaries, directory, data: join(directory, 'data'), user, buffers };
  run('cp', ['-a', await emptyCluster(place), place.data]);
  let server = await startServer(place);
  const killAtExit = (): void => {
    server.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  };
  process.once('exit', killAtExit);
  let count = 0;
  return {
    createDatabase: async () => {
      count += 1;
      const name = `unseen_${count}`;
      await ask(addressOf(place, 'postgres'), `CREATE DATABASE ${name} TEMPLATE ${TEMPLATE}`);
      return addressOf(place, name);
    },
    crash: () => ended(server, 'SIGQUIT'),
    start: async () => {
      server = await startServer(place);
    },
    stop: async () => {
      await ended(server, 'SIGQUIT');
      process.off('exit', killAtExit);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/**
 * The files of a cluster with nothing but a template with up-to-date tables, shut down: kept in the temporary directory
 * under a name made from whatever they depend on, and made by whoever comes first.
 */
async function emptyCluster({ binaries, directory, user, buffers }: ServerPlace): Promise<string> {
  const uid = String(process.getuid?.() ?? '');
  const path = join(tmpdir(), `unseen-cluster-${uid}-${tablesDigest(binaries)}`);
  if (existsSync(path)) return path;
  const draft = { binaries, directory, data: join(directory, 'draft'), user, buffers };
  const settings = ['-U', 'postgres', '--auth=trust', '--no-sync', '-E', 'UTF8', '--locale=C'];
  run(join(binaries, 'initdb'), ['-D', draft.data, ...settings], { ...user, cwd: directory });
  const server = await startServer(draft);
  await ask(addressOf(draft, 'postgres'), `CREATE DATABASE ${TEMPLATE}`);
  await (await openDatabase({ url: addressOf(draft, TEMPLATE) })).close();
  await ended(server, 'SIGINT');
  for (const old of globSync(join(tmpdir(), `unseen-cluster-${uid}-*`)))
    if (old !== path) rmSync(old, { recursive: true, force: true });
  try {
    renameSync(draft.data, path);
  } catch (error) {
    // Somebody else was quicker.
    if (!existsSync(path)) throw error;
  }
  return path;
}

function run(program: string, args: readonly string[], options: SpawnSyncOptions = {}): void {
  const { status, stderr } = spawnSync(program, args, { ...options, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} failed: ${stderr}`);
}

function addressOf({ directory }: ServerPlace, name: string): string {
  return `postgresql://postgres@localhost/${name}?host=${encodeURIComponent(directory)}`;
}

interface ServerPlace {
  readonly binaries: string;
  readonly directory: string;
  readonly data: string;
  readonly user: { readonly uid: number; readonly gid: number } | null;
  readonly buffers: string;
}

async function startServer(place: ServerPlace): Promise<ChildProcess> {
  const { binaries, directory, data, user, buffers } = place;
  const settings = [
    'fsync=on',
    'synchronous_commit=on',
    'listen_addresses=',
    `unix_socket_directories=${directory}`,
  ];
  const server = spawn(
    join(binaries, 'postgres'),
    [
      '-D',
      data,
      ...[`shared_buffers=${buffers}`, 'max_connections=60', ...settings].flatMap((setting) => [
        '-c',
        setting,
      ]),
    ],
    { ...user, cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let log = '';
  server.stderr?.on('data', (chunk: Buffer) => (log = (log + chunk.toString()).slice(-4_000)));
  const url = addressOf(place, 'postgres');
  for (const deadline = Date.now() + START_MS; ;) {
    if (await isUp(url)) return server;
    if (server.exitCode !== null || Date.now() > deadline)
      throw new Error(`PostgreSQL did not start: ${log}`);
    await sleep(20);
  }
}

async function isUp(url: string): Promise<boolean> {
  try {
    await ask(url, 'SELECT 1');
    return true;
  } catch {
    return false;
  }
}

async function ask(url: string, text: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query(text);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** SIGQUIT is PostgreSQL's immediate shutdown. */
async function ended(server: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const gone = new Promise((resolve) => server.once('exit', resolve));
  server.kill(signal);
  await gone;
}

/** Whom to run as when we are root: `postgres` if there is one, else `nobody`. */
function unprivilegedUser(): { readonly uid: number; readonly gid: number } | null {
  if (process.getuid?.() !== 0) return null;
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const user = users.find(([name]) => name === 'postgres') ?? users.find(([name]) => name === 'nobody');
  return user === undefined ? null : { uid: Number(user[2]), gid: Number(user[3]) };
}
