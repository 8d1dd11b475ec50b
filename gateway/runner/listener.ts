/**
 * The runner's own listener: where operators and providers register datasets, which the gateway never sees.
 *
 * The same tokens as the gateway's. A manifest names a path on the runner's machine; nothing of a file leaves.
 */
import { randomUUID } from 'node:crypto';
import { isAbsolute } from 'node:path';
import { Hono } from 'hono';
import { z } from 'zod';
import type { PolicyEngine } from '#policies/decide.ts';
import { Refusal } from '#policies/refusal.ts';
import { languageOf, say } from '#policies/words.ts';
import { describeJail } from '#sandbox/jail/jail.ts';
import { authenticate, type TokenReader } from '../auth/authenticate.ts';
import { parseBody, readBody } from '../http/request-reading.ts';
import { isBug, problemResponse } from '../problem.ts';
import { demand } from '../services/permission.ts';
import type { Database } from '../storage/database.ts';
import type { DestructionShell } from './key-destruction.ts';
import { addKeyRoutes } from './key-routes.ts';
import { registerWritten } from './register.ts';
import type { Sources } from './sources.ts';

/** Two manifests of at most 1 MiB each. */
const BODY_BYTES_MAX = 3 * 2 ** 20;

const bodySchema = z.strictObject({
  manifest: z.string(),
  policy: z.string(),
  baseDirectory: z.string().refine(isAbsolute, 'an absolute path'),
});

export interface ListenerShell {
  /** Looked up per request: the gateway's key may have changed since the start. */
  readonly reader: () => Promise<TokenReader>;
  readonly db: Database;
  readonly policies: PolicyEngine;
  readonly sources: Sources;
  /** What the end of keys is done with. */
  readonly destructions: DestructionShell;
  /** Where a bug is told in full; the caller is told nothing. */
  readonly reportBug: (error: unknown, requestId: string) => void;
}

/** The runner's routes. */
export function createListener(shell: ListenerShell): Hono {
  const { reader, db, policies, sources, destructions, reportBug } = shell;
  const app = new Hono();
  app.onError((error, c) => {
    const requestId = randomUUID();
    if (isBug(error)) reportBug(error, requestId);
    return problemResponse(error, { language: languageOf(c.req.header('accept-language')), requestId });
  });
  app.get('/healthz', (c) => c.json({ status: 'ok' }));
  app.get('/v1/jail', async (c) => {
    await authenticate(await reader(), c.req.header('authorization') ?? null);
    const { mode, layers, missing } = await describeJail();
    return c.json({ mode, layers, missing });
  });
  app.post('/v1/datasets', async (c) => {
    const { principal } = await authenticate(await reader(), c.req.header('authorization') ?? null);
    const body = await readBody(c.req.raw, BODY_BYTES_MAX);
    const parsed = bodySchema.safeParse(parseBody(body, c.req.header('content-type') ?? null));
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      throw new Refusal(
        'PARAM',
        say('lab.field', { field: issue?.path.join('.') || 'body', rule: issue?.message ?? '' }),
      );
    }
    demand({ policies }, { action: 'register_dataset', principal, provider: principal.org.id });
    const registered = await registerWritten(db, sources, {
      ...parsed.data,
      organisation: principal.org.id,
    });
    return c.json(registered, 201);
  });
  addKeyRoutes(app, shell, destructions);
  return app;
}
