/**
 * The HTTP API: its route table, and what happens to every request on its way to a route.
 *
 * Guarantee: a route is reached only with the token and a role that its entry asks for, and with fields that its schemas
 * name; whatever is thrown becomes a problem document, and a bug says nothing of itself. No route answers with a row:
 * answers about data are committed releases (routes/answers.ts), all else is a function of request, policy and catalogue.
 * Not covered: transport security; a proxy in front ends TLS.
 */
import { randomUUID } from 'node:crypto';
import { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { Refusal } from '#policies/refusal.ts';
import { rolesFor, scopeOf } from '#policies/roles.ts';
import { languageOf, say } from '#policies/words.ts';
import { authenticate } from './auth/authenticate.ts';
import type { Caller, Endpoint, OpenCall } from './http/endpoint.ts';
import { idempotencyKeyOf } from './http/idempotency-key.ts';
import { documentOf } from './http/document.ts';
import { checkBytes, checked, parseBody, readBody } from './http/request-reading.ts';
import { type Surface, surfaceOf } from './http/surface.ts';
import { HttpFault, isBug, problemResponse } from './problem.ts';
import { answerRoutes } from './routes/answers.ts';
import { billingRoutes } from './routes/billing.ts';
import { catalogueRoutes } from './routes/catalogue.ts';
import { exportRoutes } from './routes/exports.ts';
import { documentRoutes } from './routes/documents.ts';
import { jobRoutes } from './routes/jobs.ts';
import { openRoutes } from './routes/open.ts';
import { partyRoutes } from './routes/parties.ts';
import { priceRoutes } from './routes/prices.ts';
import { programRoutes } from './routes/programs.ts';
import { quoteRoutes } from './routes/quotes.ts';
import { reportRoutes } from './routes/reports.ts';
import { reviewRoutes } from './routes/reviews.ts';
import { stopRoutes } from './routes/stops.ts';
import { notFound } from './services/permission.ts';
import type { Shell } from './services/shell.ts';

/** The map of the API. */
export function routeTable(surface: Surface): readonly Endpoint[] {
  const table: readonly Endpoint[] = [
    // health, metrics, keys, tokens: for everyone
    ...openRoutes(surface, () => documentOf(table)),
    // /v1/me, /v1/organisations, /v1/accounts
    ...partyRoutes(surface),
    // /v1/datasets, /v1/budgets, /v1/grants
    ...catalogueRoutes(surface),
    // /v1/quotes, /v1/usage/quotes
    ...quoteRoutes(surface),
    // /v1/documents
    ...documentRoutes(surface),
    // the stops of /v1/datasets and /v1/organisations
    ...stopRoutes(surface),
    // /v1/programs
    ...programRoutes(surface),
    // /v1/jobs
    ...jobRoutes(surface),
    // /v1/reviews
    ...reviewRoutes(surface),
    // /v1/releases, /v1/receipts, /v1/log, /v1/usage
    ...answerRoutes(surface),
    ...priceRoutes(surface),
    // /v1/statements, /v1/statement-lines, /v1/corrections, /v1/settlements
    ...billingRoutes(surface),
    // /v1/exports: files of any size
    ...exportRoutes(surface),
    // /v1/reports, /v1/reconciliation
    ...reportRoutes(surface),
  ];
  return table;
}

/** The application: `request()` answers without a socket. */
export function createApp(shell: Shell): OpenAPIHono {
  const surface = surfaceOf(shell);
  const table = routeTable(surface);
  const app = new OpenAPIHono();
  for (const endpoint of table) {
    app.on(endpoint.method.toUpperCase(), pattern(endpoint.path), (context) =>
      answer(surface, context, endpoint),
    );
  }
  for (const path of new Set(table.map((endpoint) => endpoint.path))) {
    const allowed = table
      .filter((endpoint) => endpoint.path === path)
      .map(({ method }) => method.toUpperCase());
    app.all(pattern(path), (context) =>
      guarded(surface, { context, route: path }, async () => {
        throw new HttpFault('METHOD', say('api.method', { allowed: allowed.join(', ') }), {
          allow: allowed.join(', '),
        });
      }),
    );
  }
  app.notFound((context) =>
    guarded(surface, { context, route: 'none' }, async () => {
      throw notFound();
    }),
  );
  return app;
}

function pattern(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1');
}

/** One request from its first byte to its answer. Each step may refuse. */
async function answer(surface: Surface, context: Context, endpoint: Endpoint): Promise<Response> {
  return guarded(surface, { context, route: endpoint.path }, async (reader) => {
    const request = context.req.raw;
    const caller =
      endpoint.access === 'public' ? null : await authenticate(surface, request.headers.get('authorization'));
    const limits = caller === null ? {} : surface.limiter.take(caller.principal.id);
    if (caller !== null) checkAccess(endpoint, caller);
    const call = await read(context, endpoint, { ...reader, caller });
    const handle = (): Promise<Response> => endpoint.handle(call);
    const response =
      endpoint.creates === true && caller !== null
        ? await surface.inFlight.alone(caller.principal.id, call.idempotency, handle)
        : await handle();
    for (const [name, value] of Object.entries(limits)) response.headers.set(name, value);
    return response;
  });
}

type Reader = Pick<OpenCall<never, never, never>, 'requestId' | 'language'>;

/** Whatever happens inside becomes an answer with the headers that every answer has. */
async function guarded(
  surface: Surface,
  { context, route }: { readonly context: Context; readonly route: string },
  work: (reader: Reader) => Promise<Response>,
): Promise<Response> {
  const reader = { requestId: randomUUID(), language: languageOf(context.req.header('accept-language')) };
  const response = await work(reader).catch((error: unknown) => {
    if (isBug(error)) surface.reportBug(error, reader.requestId);
    return problemResponse(error, reader);
  });
  surface.metrics.countRequest({ method: methodOf(context.req.method), route, status: response.status });
  for (const [name, value] of Object.entries(ALWAYS))
    if (!response.headers.has(name)) response.headers.set(name, value);
  response.headers.set('x-request-id', reader.requestId);
  return response;
}

/** A method may be any text; a metric's label may not. */
function methodOf(method: string): string {
  return ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].includes(method) ? method : 'OTHER';
}

/** Nothing here is a page, and nothing may be kept by a cache on the way. */
const ALWAYS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=31536000',
  'x-content-type-options': 'nosniff',
  vary: 'Accept, Accept-Language, Authorization',
};

/** Whether any role of the caller may take the action of a route at all. Refusal NO_GRANT. */
function checkAccess({ access, method, path }: Endpoint, { principal: { roles } }: Caller): void {
  if (access === 'public' || access === 'account') return;
  // Acts that the policies decide about forbid it there; these know roles alone.
  const isAct = 'roles' in access && method === 'post' && !access.roles.includes('auditor');
  if (isAct && roles.includes('auditor'))
    throw new Refusal('NO_GRANT', say('grant.duties.auditor', { action: path }));
  const isAllowed =
    'roles' in access
      ? access.roles.some((role) => roles.includes(role))
      : access.actions.some((action) => scopeOf(roles, action) !== null);
  if (isAllowed) return;
  const needed = 'roles' in access ? access.roles : [...new Set(access.actions.flatMap(rolesFor))];
  const action = 'roles' in access ? path : access.actions.join(', ');
  const held = roles.length === 0 ? '–' : roles.join(', ');
  throw new Refusal('NO_GRANT', say('grant.role', { action, needed: needed.join(', '), held }));
}

async function read(
  context: Context,
  endpoint: Endpoint,
  reader: Reader & { readonly caller: Caller | null },
): Promise<Parameters<Endpoint['handle']>[0]> {
  const { raw, path } = context.req;
  const body = endpoint.method === 'post' ? await readBody(raw, endpoint.bodyBytesMax) : '';
  const value = body === '' ? undefined : parseBody(body, raw.headers.get('content-type'), endpoint.consumes);
  if (endpoint.bodyBytesMaxOf !== undefined) checkBytes(body, endpoint.bodyBytesMaxOf(value));
  const idempotency =
    endpoint.creates === true
      ? idempotencyKeyOf(raw.headers.get('idempotency-key'), { method: endpoint.method, path, body })
      : null;
  return {
    ...reader,
    params: paramsOf(context, endpoint) as never,
    query: checked(endpoint.query, endpoint.query === undefined ? {} : context.req.query()) as never,
    body: checked(endpoint.body, value) as never,
    idempotency,
    headers: raw.headers,
    signal: raw.signal,
  };
}

/** A path that no resource can have is a resource that is not there. */
function paramsOf(context: Context, { params }: Endpoint): unknown {
  const parsed = params?.safeParse(context.req.param());
  if (parsed !== undefined && !parsed.success) throw notFound();
  return parsed?.data;
}
