/**
 * The second decision: the same policies, on the grant, account and dataset as they are when the job is about to run.
 *
 * The grant's counters hold this job's own reservation already, so it is taken out before the quota is judged again.
 */
import type { ReceiptPayload } from '#crypto/receipt-payload.ts';
import { refusalOf } from '#policies/explain.ts';
import type { PolicyEngine } from '#policies/decide.ts';
import type { Channel } from '#policies/grant.ts';
import { type Amounts, type Counted, QUOTA_UNITS, type Used } from '#policies/quota.ts';
import { Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import { callerOf } from '../auth/authenticate.ts';
import { countedOf, type KeptRequest, type Planning, planningOf, useRequest } from '../services/planning.ts';
import type { Database } from '../storage/database.ts';
import { findGrant, findUse, type GrantRecord } from '../storage/grant-store.ts';
import { findAccount } from '../storage/parties.ts';
import type { ClaimedJob } from '../storage/queue.ts';
import { findDataset } from '../storage/dataset-list.ts';

export interface Rechecker {
  readonly db: Database;
  readonly policies: PolicyEngine;
  readonly channel: Channel;
}

/** Decides again; what the receipt says of the decision. Refuses what the policies refuse. */
export async function recheck(
  shell: Rechecker,
  job: ClaimedJob,
  compiled: Planning['compiled'],
): Promise<ReceiptPayload['policyDecision']> {
  const [account, grant, stored] = await Promise.all([
    findAccount(shell.db, job.accountId),
    findGrant(shell.db, job.grantId),
    findDataset(shell.db, compiled.dataset.name),
  ]);
  if (account === null || grant === null || stored === null)
    throw new Refusal('NO_GRANT', say('storage.noGrant'));
  const planning = await planningOf(shell.db, compiled, { ...stored, versionId: job.versionId });
  const ask = askOf(job);
  const request = useRequest(
    { now: () => Date.now(), channel: shell.channel },
    {
      action: 'run',
      principal: callerOf(account).principal,
      // The scene it was admitted for: an absent one meant the grant's of then, which may have another by now.
      ask: { ...ask, scene: job.scene },
      planning,
      // What it was admitted with: its price stands, whatever is in force by now.
      planned: job.planned,
      grant: await standingGrant(
        shell.db,
        grant,
        job,
        countedOf(ask, planning, { at: job.createdAt.getTime(), hasQuote: ask.quote !== null }),
      ),
    },
  );
  const decision = shell.policies.decide(request);
  if (!decision.allowed) throw refusalOf(decision, request);
  return {
    effect: 'permit',
    policies: [...decision.reasons],
    policySet: `sha256:${decision.policyDigest.replace('sha256:', '')}`,
  };
}

async function standingGrant(
  db: Database,
  grant: GrantRecord,
  job: ClaimedJob,
  counted: Counted,
): Promise<Parameters<typeof useRequest>[1]['grant']> {
  const used = await findUse(db, grant.id, counted);
  const {
    id,
    revision,
    body,
    upstream,
    suspended,
    revoked,
    providerApproval,
    buyerApproval,
    subjectApproval,
  } = grant;
  return {
    id,
    revision,
    body,
    upstream,
    suspended,
    revoked,
    approvals: {
      provider: providerApproval !== null,
      buyer: buyerApproval !== null,
      subject: subjectApproval !== null,
    },
    used: { ...used, amounts: without(used.amounts, job) },
  };
}

/** A job from before there were cost centres names none. */
function askOf({ request }: ClaimedJob): KeptRequest {
  return { costCentre: null, ...(request as Partial<KeptRequest>) } as KeptRequest;
}

function without(amounts: Used['amounts'], { planned, scopes }: ClaimedJob): Used['amounts'] {
  const rest = (used: Amounts, unit: keyof Amounts): string => {
    const left = BigInt(used[unit]) - BigInt(planned[unit] ?? '0');
    return String(left > 0n ? left : 0n);
  };
  const others = (used: Amounts): Amounts =>
    Object.fromEntries(QUOTA_UNITS.map((unit) => [unit, rest(used, unit)])) as unknown as Amounts;
  return Object.fromEntries(
    Object.entries(amounts).map(([scope, used]) => [scope, scopes.includes(scope) ? others(used) : used]),
  );
}
