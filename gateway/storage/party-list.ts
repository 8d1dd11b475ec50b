/** Lists of parties for operators: organisations, accounts, and who filed a grant. */
import { sql } from 'drizzle-orm';

import type { Tx } from './database.ts';
import type { Organisation } from './parties.ts';

export interface ListedOrganisation extends Organisation {
  readonly suspended: boolean;
}

export interface ListedAccount {
  readonly id: string;
  readonly organisation: string;
  readonly roles: readonly string[];
  readonly revoked: boolean;
}

/** Where a list goes on. */
export interface AfterId {
  readonly after: string | null;
  readonly limit: number;
}

/** Organisations by id. */
export async function listOrganisations(
  db: Tx,
  { after, limit }: AfterId,
): Promise<readonly ListedOrganisation[]> {
  return db.rows<ListedOrganisation>(sql`
    SELECT id, name, region, sector, operator, suspended_at IS NOT NULL AS suspended FROM organisation
    WHERE ${after}::text IS NULL OR id > ${after} ORDER BY id LIMIT ${limit}::int`);
}

/** An organisation, or null. */
export async function findOrganisation(db: Tx, id: string): Promise<ListedOrganisation | null> {
  const [row] = await db.rows<ListedOrganisation>(sql`
    SELECT id, name, region, sector, operator, suspended_at IS NOT NULL AS suspended FROM organisation WHERE id = ${id}`);
  return row ?? null;
}

/** Accounts by id, without their keys. */
export async function listAccounts(db: Tx, { after, limit }: AfterId): Promise<readonly ListedAccount[]> {
  return db.rows<ListedAccount>(sql`
    SELECT id, organisation_id AS organisation, roles, revoked_at IS NOT NULL AS revoked FROM account
    WHERE ${after}::text IS NULL OR id > ${after} ORDER BY id LIMIT ${limit}::int`);
}

/** The organisation that runs the platform: the first one made, should there be several. Null before there is one. */
export async function findOperator(db: Tx): Promise<string | null> {
  const [row] = await db.rows<{ id: string }>(
    sql`SELECT id FROM organisation WHERE operator ORDER BY created_at, id LIMIT 1`,
  );
  return row?.id ?? null;
}

/** Who filed the newest wording of a grant. */
export async function findSubmitter(db: Tx, grantId: string): Promise<string | null> {
  const [row] = await db.rows<{ by: string }>(sql`
    SELECT created_by AS by FROM grant_revision WHERE grant_id = ${grantId} ORDER BY revision DESC LIMIT 1`);
  return row?.by ?? null;
}
