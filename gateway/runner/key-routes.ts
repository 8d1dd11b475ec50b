/**
 * The runner's routes about keys: their inventory, and their end, for which two people ask and agree, anybody of theirs calls it off, a hold stops it.
 *
 * They are the runner's own, as registration is: the gateway has no part in keys.
 */
import type { Context, Hono } from 'hono';
import { z } from 'zod';
import { Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import type { Principal } from '#policies/request.ts';
import { authenticate } from '../auth/authenticate.ts';
import { parseBody, readBody } from '../http/request-reading.ts';
import { type KeyAct, type Standing, standingOf } from '../keys/destruction.ts';
import { demand } from '../services/permission.ts';
import { listKeyEvents } from '../storage/key-events.ts';
import { inventoryOf } from './inventory.ts';
import { actOnKey, type DestructionShell, providersOf } from './key-destruction.ts';
import type { ListenerShell } from './listener.ts';

const BODY_BYTES_MAX = 16 * 2 ** 10;

const bodySchema = z.strictObject({ reason: z.string().trim().min(1).max(2_000) });

/** Which act each address is. */
const ACTS: Readonly<Record<string, KeyAct>> = {
  destruction: 'requested',
  'destruction/approval': 'approved',
  'destruction/cancellation': 'cancelled',
  hold: 'held',
  'hold/lifting': 'lifted',
};

/** Adds them to the listener. */
export function addKeyRoutes(app: Hono, shell: ListenerShell, destructions: DestructionShell): void {
  for (const [place, act] of Object.entries(ACTS))
    app.post(`/v1/keys/:id/${place}`, async (c) => {
      const { key, principal } = await whoAsks(c, shell, destructions);
      const { reason } = await bodyOf(c);
      const by = { account: principal.id, organisation: principal.org.id };
      return c.json(resourceOf(key, await actOnKey(destructions, key, { act, by, reason })));
    });
  app.get('/v1/crypto-inventory', async (c) => {
    const { principal } = await authenticate(await shell.reader(), c.req.header('authorization') ?? null);
    demand(shell, { action: 'destroy_key', principal, provider: '' });
    const lines = await inventoryOf(destructions);
    return c.body(`${lines.join('\n')}\n`, 200, { 'content-type': 'application/x-ndjson' });
  });
  app.get('/v1/keys/:id/destruction', async (c) => {
    const { key } = await whoAsks(c, shell, destructions);
    return c.json(resourceOf(key, standingOf(await listKeyEvents(destructions.db, key))));
  });
}

/** A caller who may act on a key: the operator, and whoever provides any of the data under it. */
async function whoAsks(
  c: Context,
  { reader, policies }: ListenerShell,
  { db }: DestructionShell,
): Promise<{ readonly key: string; readonly principal: Principal }> {
  const { principal } = await authenticate(await reader(), c.req.header('authorization') ?? null);
  const key = c.req.param('id') ?? '';
  const providers = await providersOf(db, key);
  const provider = providers.includes(principal.org.id) ? principal.org.id : '';
  demand({ policies }, { action: 'destroy_key', principal, provider });
  return { key, principal };
}

async function bodyOf(c: Context): Promise<z.infer<typeof bodySchema>> {
  const body = await readBody(c.req.raw, BODY_BYTES_MAX);
  const parsed = bodySchema.safeParse(parseBody(body, c.req.header('content-type') ?? null));
  if (parsed.success) return parsed.data;
  throw new Refusal('PARAM', say('lab.field', { field: 'reason', rule: '1 … 2000' }));
}

function resourceOf(key: string, { state, requested, approved, held, destroyed }: Standing): object {
  const { record = null } = (destroyed?.detail ?? {}) as { readonly record?: string };
  return {
    key,
    state,
    requested: actOf(requested),
    approved: actOf(approved),
    dueAt: approved?.dueAt?.toISOString() ?? null,
    hold: actOf(held),
    destroyedAt: destroyed?.at.toISOString() ?? null,
    leafIndex: destroyed?.leafIndex ?? null,
    record,
  };
}

function actOf(event: Standing['requested']): object | null {
  if (event === null) return null;
  return {
    account: event.account,
    organisation: event.organisation,
    reason: event.reason,
    at: event.at.toISOString(),
  };
}
