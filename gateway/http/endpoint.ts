/**
 * Endpoints: one entry of the route table, with who may call it, what it reads and what it answers.
 *
 * Guarantee: a handler sees only what its schemas let through, and only if the caller's roles may take the endpoint's
 * action at all. Whether he may take it on one resource, the service asks the policies.
 */
import type { z } from '@hono/zod-openapi';
import type { Action, Role } from '#policies/roles.ts';
import type { Principal } from '#policies/request.ts';
import type { Language } from '#policies/words.ts';
import type { IdempotencyKey } from '../storage/idempotency.ts';

/** Who may call: everyone, every account, the roles of an action, or certain roles. */
export type Access =
  | 'public'
  | 'account'
  | { readonly actions: readonly Action[] }
  | { readonly roles: readonly Role[] };

/** Who asks: an account that signed in, as decisions need it, and the name of its organisation. */
export interface Caller {
  readonly principal: Principal;
  readonly organisationName: string;
}

/** A request, read and checked. */
export interface Call<Params, Query, Body> {
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  readonly caller: Caller;
  readonly language: Language;
  readonly requestId: string;
  /** Null when the caller sent none. */
  readonly idempotency: IdempotencyKey | null;
  readonly headers: Headers;
  readonly signal: AbortSignal;
}

/** What a request is called without an account: the same without a caller. */
export type OpenCall<Params, Query, Body> = Omit<Call<Params, Query, Body>, 'caller'>;

interface Common {
  readonly method: 'get' | 'post';
  /** With `{name}` for a parameter. */
  readonly path: string;
  readonly summary: string;
  readonly tag: string;
  readonly answer: {
    readonly status: 200 | 201 | 202;
    readonly schema: z.ZodType;
    /** Further media types of the same answer. */
    readonly also?: readonly string[];
  };
  /** The body's media type; JSON unless said. */
  readonly consumes?: 'application/x-www-form-urlencoded';
  /** Most bytes of its body; what request-reading.ts allows unless said. */
  readonly bodyBytesMax?: number;
  /** The same of a body that says this, where some may be longer than others. */
  readonly bodyBytesMaxOf?: (value: unknown) => number;
  /** A POST that makes something: an Idempotency-Key is honoured. */
  readonly creates?: boolean;
}

interface Schemas<Params, Query, Body> {
  readonly params?: z.ZodType<Params>;
  readonly query?: z.ZodType<Query>;
  readonly body?: z.ZodType<Body>;
}

/** An endpoint as the table has it, whatever it reads. */
export interface Endpoint extends Common, Schemas<unknown, unknown, unknown> {
  readonly access: Access;
  /** `caller` is null only where access is public. */
  readonly handle: (
    call: OpenCall<never, never, never> & { readonly caller: Caller | null },
  ) => Promise<Response>;
}

/** An endpoint for accounts. */
export function endpoint<Params, Query, Body>(
  definition: Common &
    Schemas<Params, Query, Body> & {
      readonly access: Exclude<Access, 'public'>;
      readonly handle: (call: Call<Params, Query, Body>) => Promise<Response>;
    },
): Endpoint {
  return definition as unknown as Endpoint;
}

/** An endpoint for everyone. */
export function openEndpoint<Params, Query, Body>(
  definition: Common &
    Schemas<Params, Query, Body> & {
      readonly handle: (call: OpenCall<Params, Query, Body>) => Promise<Response>;
    },
): Endpoint {
  return { ...definition, access: 'public' } as unknown as Endpoint;
}

/** A JSON answer. */
export function json(
  value: unknown,
  {
    status = 200,
    headers = {},
  }: { readonly status?: number; readonly headers?: Readonly<Record<string, string>> } = {},
): Response {
  return new Response(JSON.stringify(value), {
    status,
    headers: { 'content-type': 'application/json', ...headers },
  });
}

/** A text answer of any length, made as it is read. */
export function streamed(pieces: AsyncGenerator<string>, type: string): Response {
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      const { done, value } = await pieces.next();
      if (done === true) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
    cancel: async () => {
      await pieces.return(undefined);
    },
  });
  return new Response(body, { headers: { 'content-type': `${type}; charset=utf-8` } });
}

/** A text answer. */
export function text(value: string, type: string): Response {
  return new Response(value, { headers: { 'content-type': `${type}; charset=utf-8` } });
}
