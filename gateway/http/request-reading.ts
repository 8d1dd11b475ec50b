/**
 * Reading a request: size, media type, depth and fields are checked before a handler sees anything.
 *
 * Guarantee: a body is at most 64 KiB, or what its route says, its JSON at most 32 levels deep, and every field is one that the schema names.
 * A message names fields and rules, and never repeats what was sent.
 */
import type { z } from '@hono/zod-openapi';
import { say, type Sentence } from '#policies/words.ts';
import { type FieldFault, FieldFaults, HttpFault } from '../problem.ts';

/** More than any request needs; SQL of 64 KiB is not written by a person. */
const BODY_BYTES_MAX = 65_536;
const DEPTH_MAX = 32;
const FAULTS_MAX = 20;

const JSON_TYPE = 'application/json';

/** What is still read of a body that is too large, and kept nowhere. */
const DISCARDED_BYTES_MAX = 2 ** 26;

/**
 * The text of a body of at most `bytesMax` bytes. HttpFault TOO_LARGE, also for one that states no length. The rest of
 * a body that is too large is read and dropped, because whoever still sends would find the connection broken and never
 * read the answer (RFC 9112 §9.6); of one beyond all measure it is not.
 */
export async function readBody(request: Request, bytesMax = BODY_BYTES_MAX): Promise<string> {
  const fault = tooLarge(bytesMax);
  if (Number(request.headers.get('content-length') ?? 0) > DISCARDED_BYTES_MAX) throw fault;
  const reader = request.body?.getReader();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for (let part = await reader?.read(); part !== undefined && !part.done; part = await reader?.read()) {
    bytes += part.value.length;
    if (bytes <= bytesMax) chunks.push(part.value);
    else chunks.length = 0;
    if (bytes <= DISCARDED_BYTES_MAX) continue;
    await reader?.cancel();
    throw fault;
  }
  if (bytes > bytesMax) throw fault;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch {
    throw malformed();
  }
}

/** HttpFault TOO_LARGE for a body of more bytes. */
export function checkBytes(text: string, bytesMax: number): void {
  if (Buffer.byteLength(text) > bytesMax) throw tooLarge(bytesMax);
}

/** The value of a body. HttpFault MEDIA_TYPE or BAD_REQUEST. */
export function parseBody(text: string, stated: string | null, wanted: string = JSON_TYPE): unknown {
  const type = stated?.split(';')[0]?.trim().toLowerCase() ?? '';
  if (type !== wanted) throw new HttpFault('MEDIA_TYPE', say('api.mediaType', { expected: wanted }));
  if (wanted !== JSON_TYPE) return Object.fromEntries(new URLSearchParams(text));
  if (depthOf(text) > DEPTH_MAX) throw malformed();
  try {
    return JSON.parse(text);
  } catch {
    throw malformed();
  }
}

/** What a schema makes of a value. Throws FieldFaults with the fields and the rules that they break. */
export function checked<Value>(schema: z.ZodType<Value> | undefined, value: unknown): Value {
  if (schema === undefined) return value as Value;
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new FieldFaults(parsed.error.issues.flatMap((issue) => faultsOf(issue, value)).slice(0, FAULTS_MAX));
}

function faultsOf(issue: z.core.$ZodIssue, value: unknown): readonly FieldFault[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      field: fieldName([...issue.path, key]),
      rule: say('api.rule.unknown'),
    }));
  }
  return [{ field: fieldName(issue.path), rule: ruleOf(issue, value) }];
}

function ruleOf(issue: z.core.$ZodIssue, value: unknown): Sentence {
  if (valueAt(value, issue.path) === undefined) return say('api.rule.missing');
  if (issue.code === 'invalid_type') return say('api.rule.type', { expected: issue.expected });
  if (issue.code === 'invalid_value')
    return say('api.rule.oneOf', { values: issue.values.map(String).join(', ') });
  return say(issue.code === 'too_big' || issue.code === 'too_small' ? 'api.rule.size' : 'api.rule.form');
}

/** A name that came from outside may be anything, so only what looks like a field is repeated. */
function fieldName(path: readonly PropertyKey[]): string {
  const name = path.map(String).join('.');
  return /^[\w.-]{1,80}$/.test(name) ? name : 'body';
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (at, step) =>
      typeof at === 'object' && at !== null ? (at as Record<PropertyKey, unknown>)[step] : undefined,
    value,
  );
}

/** How deep a JSON text nests, without parsing it: a parser may recurse. */
function depthOf(text: string): number {
  let [depth, deepest, inString] = [0, 0, false];
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (inString && character === '\\') at += 1;
    else if (character === '"') inString = !inString;
    else if (!inString && (character === '{' || character === '[')) deepest = Math.max(deepest, (depth += 1));
    else if (!inString && (character === '}' || character === ']')) depth -= 1;
  }
  return deepest;
}

function tooLarge(bytesMax: number): HttpFault {
  return new HttpFault('TOO_LARGE', say('api.tooLarge', { bytes: bytesMax }), { connection: 'close' });
}

function malformed(): HttpFault {
  return new HttpFault('BAD_REQUEST', say('api.malformed', { depth: DEPTH_MAX }));
}
