/**
 * Practice: synthetic data with an unlimited budget are open to every account, under a grant made at first use.
 *
 * A request that names the grant `practice:<dataset>` is asked under the caller's own practice grant. It is a grant
 * like any other: metered, shown, revocable. Nobody is in the data, so nobody's approval is waited for; the record
 * says on whose word it stands.
 */
import { parseGrant } from '#policies/grant.ts';
import type { Caller } from '../http/endpoint.ts';
import { findDataset } from '../storage/dataset-list.ts';
import { approveGrant, findGrant, saveGrant } from '../storage/grant-store.ts';
import { plainGrant } from './plain-grant.ts';
import type { SentAsk } from './planning.ts';
import { joined, type Shell } from './shell.ts';

const PREFIX = 'practice:';
/** Of the whole practice grant: a limit that a grant must state, far above what anybody practises. */
const RUNS = 1_000_000;

/** A request as it is, or under the caller's practice grant. Data that are not open have none, and the request is refused. */
export async function withPracticeGrant(shell: Shell, caller: Caller, ask: SentAsk): Promise<SentAsk> {
  if (!ask.grant.startsWith(PREFIX)) return ask;
  const grant = await practiceGrant(shell, caller, ask.grant.slice(PREFIX.length));
  return grant === null ? ask : { ...ask, grant };
}

async function practiceGrant(shell: Shell, { principal }: Caller, name: string): Promise<string | null> {
  const id = `${PREFIX}${principal.org.id}:${name}`;
  if ((await findGrant(shell.db, id)) !== null) return id;
  const stored = await findDataset(shell.db, name);
  const manifest = stored?.manifest;
  const policy = stored?.policy;
  const isOpen = manifest?.origin === 'synthetic' && policy?.budget === 'unlimited';
  if (stored === null || manifest === undefined || !isOpen) return null;
  const columns = manifest.columns
    .filter(({ role }) => role !== 'hidden' && role !== 'unit')
    .map((column) => column.name);
  const grant = parseGrant(
    plainGrant(
      {
        id,
        dataset: name,
        columns,
        authoriser: stored.organisationId,
        holder: principal.org.id,
        purpose: 'governance_welfare',
        scene: 'practice',
        runs: RUNS,
      },
      shell.now(),
    ),
  );
  await shell.db.transact(async (tx) => {
    const db = joined(shell.db, tx);
    const revision = await saveGrant(db, { grant, upstream: [], by: 'synthetic data' });
    await approveGrant(db, { grantId: id, revision, side: 'provider', by: 'synthetic data' });
    await approveGrant(db, { grantId: id, revision, side: 'buyer', by: principal.id });
  });
  return id;
}
