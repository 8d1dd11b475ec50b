/** The document of the API (OpenAPI 3.1), made from the route table and its schemas, and from nothing else. */
import { OpenAPIHono, type RouteConfig, z } from '@hono/zod-openapi';
import packageFile from '../../package.json' with { type: 'json' };
import { HTTP_CODES, PROBLEM_CODES, statusOf } from '../problem.ts';
import { rolesFor } from '#policies/roles.ts';
import type { Endpoint } from './endpoint.ts';
import { problem } from './schemas.ts';

/** The OpenAPI document of a route table. */
export function documentOf(table: readonly Endpoint[]): object {
  const app = new OpenAPIHono();
  app.openAPIRegistry.registerComponent('securitySchemes', 'token', {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'An access token (RFC 9068) from /oauth/token.',
  });
  for (const endpoint of table) app.openAPIRegistry.registerPath(routeOf(endpoint));
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: { title: 'Unseen', version: packageFile.version, description: DESCRIPTION },
  });
}

const DESCRIPTION = [
  'Answers about data that nobody else sees.',
  'Amounts and budgets are decimal text; times are ISO 8601 with an offset; unknown fields are refused.',
  `Problem codes: ${[...PROBLEM_CODES, ...HTTP_CODES].map((code) => `${code} (${statusOf(code)})`).join(', ')}.`,
].join('\n\n');

function routeOf(endpoint: Endpoint): RouteConfig {
  const { method, path, summary, tag, access, params, query, body, answer } = endpoint;
  const headers =
    endpoint.creates === true ? z.object({ 'Idempotency-Key': z.string().max(128).optional() }) : undefined;
  const isBodyless = body === undefined || body.safeParse(undefined).success;
  const request = {
    ...(params !== undefined && { params }),
    ...(query !== undefined && { query }),
    ...(headers !== undefined && { headers }),
    ...(!isBodyless && {
      body: { required: true, content: { [endpoint.consumes ?? 'application/json']: { schema: body } } },
    }),
  };
  const types =
    answer.schema instanceof z.ZodString ? (answer.also ?? []) : ['application/json', ...(answer.also ?? [])];
  return {
    method,
    path,
    summary,
    tags: [tag],
    operationId: operationId(method, path),
    ...(access !== 'public' && { security: [{ token: [] }], description: `For: ${whoMay(endpoint)}.` }),
    request: request as unknown as NonNullable<RouteConfig['request']>,
    responses: {
      [answer.status]: { description: summary, content: contentOf(types, answer.schema) },
      default: {
        description: 'A problem (RFC 9457)',
        content: { 'application/problem+json': { schema: problem } },
      },
    },
  };
}

function contentOf(types: readonly string[], schema: z.ZodType): Record<string, { schema: z.ZodType }> {
  return Object.fromEntries(
    types.map((type) => [type, { schema: type === 'application/json' ? schema : z.string() }]),
  );
}

function whoMay({ access }: Endpoint): string {
  if (access === 'public') return 'everyone';
  if (access === 'account') return 'every account';
  const roles = 'roles' in access ? access.roles : new Set(access.actions.flatMap(rolesFor));
  return [...roles].join(', ');
}

function operationId(method: string, path: string): string {
  return [method, ...path.split(/[/.{}-]+/)].filter((part) => part !== '').join('_');
}
