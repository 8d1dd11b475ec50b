/** The first operator: without one nobody could make the second account. */
import { z } from '@hono/zod-openapi';
import { type ClientJwk, clientJwk, namedKey } from '../auth/client-key.ts';
import type { Database } from '../storage/database.ts';
import { findAccount, saveAccount, saveOrganisation } from '../storage/parties.ts';

const identifier = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$/);

/** Organisation and account that run the platform. */
export interface FirstOperator {
  readonly organisation: { readonly id: string; readonly name: string };
  readonly account: string;
  readonly jwk: ClientJwk;
}

/** Reads the account's public key. FieldFaults when it is none that is accepted. */
export async function operatorKeyOf(jwk: unknown): Promise<ClientJwk> {
  return namedKey(clientJwk.parse(jwk));
}

/** Makes the operator's organisation and account, unless the account is there already. */
export async function ensureOperator(db: Database, operator: FirstOperator): Promise<void> {
  const id = identifier.parse(operator.account);
  if ((await findAccount(db, id)) !== null) return;
  const { organisation } = operator;
  const place = { region: 'unstated', sector: 'platform', operator: true };
  await saveOrganisation(db, { id: identifier.parse(organisation.id), name: organisation.name, ...place });
  const key = await namedKey(operator.jwk);
  await saveAccount(db, { id, organisationId: organisation.id, roles: ['operator'], keys: [key] });
}
