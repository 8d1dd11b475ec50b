/** Parties: organisations, the accounts that act for them, and tokens that count once. */
import { sql } from 'drizzle-orm';

import type { Database, Tx } from './database.ts';

export interface Organisation {
  readonly id: string;
  readonly name: string;
  readonly region: string;
  readonly sector: string;
  readonly operator: boolean;
}

export interface Account {
  readonly id: string;
  readonly organisationId: string;
  readonly roles: readonly string[];
  /** Public keys as JWKs. */
  readonly keys: readonly object[];
}

/** An account as a decision needs it: with its organisation, and whether either is stopped. */
export interface AccountWithOrganisation extends Account {
  readonly revoked: boolean;
  readonly organisation: Organisation & { readonly suspended: boolean };
}

/** Makes an organisation or changes its description. */
export async function saveOrganisation(db: Database, organisation: Organisation): Promise<void> {
  const { id, name, region, sector, operator } = organisation;
  await db.rows(sql`
    INSERT INTO organisation (id, name, region, sector, operator) VALUES (${id}, ${name}, ${region}, ${sector}, ${operator})
    ON CONFLICT (id) DO UPDATE SET name = excluded.name, region = excluded.region, sector = excluded.sector,
      operator = excluded.operator`);
}

/** Makes an account, or changes its roles and keys; it stays with its organisation. */
export async function saveAccount(db: Database, { id, organisationId, roles, keys }: Account): Promise<void> {
  const saved = await db.rows(sql`
    INSERT INTO account (id, organisation_id, roles, keys)
    VALUES (${id}, ${organisationId}, ${JSON.stringify(roles)}::jsonb, ${JSON.stringify(keys)}::jsonb)
    ON CONFLICT (id) DO UPDATE SET roles = excluded.roles, keys = excluded.keys
    WHERE account.organisation_id = excluded.organisation_id RETURNING id`);
  if (saved.length === 0) throw new RangeError('an account stays with its organisation');
}

/** An account by its id, or null. */
export async function findAccount(db: Tx, id: string): Promise<AccountWithOrganisation | null> {
  const [row] = await db.rows<AccountWithOrganisation>(sql`
    SELECT a.id, a.organisation_id AS "organisationId", a.roles, a.keys, a.revoked_at IS NOT NULL AS revoked,
      jsonb_build_object('id', o.id, 'name', o.name, 'region', o.region, 'sector', o.sector, 'operator', o.operator,
        'suspended', o.suspended_at IS NOT NULL) AS organisation
    FROM account a JOIN organisation o ON o.id = a.organisation_id WHERE a.id = ${id}`);
  return row ?? null;
}

/** Uses an assertion or proof of possession up. False when it was used before: a replay. Forgets those expired. */
export async function useAssertion(
  db: Database,
  { issuer, jti, expiresAt }: { readonly issuer: string; readonly jti: string; readonly expiresAt: Date },
): Promise<boolean> {
  const used = await db.rows(sql`
    WITH expired AS (DELETE FROM client_assertion WHERE issuer = ${issuer} AND expires_at < now() AND jti <> ${jti})
    INSERT INTO client_assertion (issuer, jti, expires_at) VALUES (${issuer}, ${jti}, ${expiresAt.toISOString()}::timestamptz)
    ON CONFLICT DO NOTHING RETURNING jti`);
  return used.length === 1;
}
