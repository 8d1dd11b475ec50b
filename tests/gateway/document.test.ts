/** The document of the API: generated, complete, and the same as the frozen copy that clients are made from. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { routeTable } from '#gateway/app.ts';
import { documentOf } from '#gateway/http/document.ts';
import { surfaceOf } from '#gateway/http/surface.ts';
import type { Shell } from '#gateway/services/shell.ts';
import { generateSigningKey } from '#crypto/ed25519-key.ts';
import { policyEngine } from '#policies/decide.ts';

const FROZEN = 'docs/openapi.json';

/** A shell for looking at the table; nothing is asked of its database. */
function bareShell(): Shell {
  const key = generateSigningKey();
  return {
    db: {} as Shell['db'],
    policies: policyEngine(),
    trial: null,
    keys: { token: key, log: { name: 'unseen.example/log', key }, receipts: [key.publicJwk], statement: key },
    publicUrl: 'https://unseen.example',
    timeZone: 'Asia/Shanghai',
    channel: 'operation',
    ratePerMinute: 1,
    now: Date.now,
    reportBug: () => undefined,
  };
}

const table = routeTable(surfaceOf(bareShell()));

interface Operation {
  readonly operationId: string;
  readonly security?: unknown;
  readonly requestBody?: unknown;
  readonly responses: Record<string, unknown>;
}

interface Document {
  readonly openapi: string;
  readonly paths: Record<string, Record<string, Operation>>;
}

test('is the frozen one: an API changes on purpose, with its document', () => {
  const document = `${JSON.stringify(documentOf(table), null, 2)}\n`;
  // After a change on purpose: serve /openapi.json, and put it in the place of docs/openapi.json.
  expect(JSON.parse(document)).toEqual(JSON.parse(readFileSync(FROZEN, 'utf8')));
});

test('describes every route, who may call it, and that it may answer with a problem', () => {
  const { openapi, paths } = documentOf(table) as Document;
  expect(openapi).toBe('3.1.0');
  const operations = table.map(({ method, path, access }) => ({ found: paths[path]?.[method], access }));
  for (const { found, access } of operations) {
    expect(found?.responses).toHaveProperty('default');
    expect(found?.security !== undefined).toBe(access !== 'public');
  }
  const ids = operations.map(({ found }) => found?.operationId);
  expect(new Set(ids).size).toBe(table.length);
});

test('refuses unknown fields in every body it describes', () => {
  const { paths } = documentOf(table) as Document;
  const bodies = Object.values(paths).flatMap((operations) =>
    Object.values(operations).flatMap(({ requestBody }) =>
      requestBody === undefined ? [] : [JSON.stringify(requestBody)],
    ),
  );
  expect(bodies.length).toBeGreaterThan(5);
  // The terms of a grant and of a document are checked by their own schemas, which are strict as well
  // (tests/policies/grant.test.ts, tests/billing).
  const open = bodies.filter((body) => !body.includes('"additionalProperties":false'));
  expect(open).toHaveLength(2);
});
