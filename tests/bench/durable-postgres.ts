/** A durable PostgreSQL, set as it comes, for the benchmarks that need one: one private cluster per run, a fresh database for each. */
import { type Cluster, startCluster } from '#tests/support/postgres.ts';

let cluster: Promise<Cluster> | undefined;

/** Makes a database, after starting the server if none runs. Returns its address. */
export async function createDatabase(): Promise<string> {
  cluster ??= startCluster({ buffers: '128MB' });
  return (await cluster).createDatabase();
}

/** Stops the server, if one was started, and removes its files. */
export async function stopPostgres(): Promise<void> {
  await (await cluster)?.stop();
}
