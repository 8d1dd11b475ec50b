/**
 * The end of a key: two people, a waiting period, a hold, and then nothing opens any more, whatever path is tried.
 *
 * Controls: the same envelope opens until the destruction, an older copy of the key store still opens it after (which
 * docs/encryption-at-rest.md says), and a key service that only says it destroyed is found out.
 */
import { copyFileSync, cpSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { sql } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { generateSigningKey } from '#crypto/ed25519-key.ts';
import type { KmsAdapter } from '#crypto/kms/adapter.ts';
import { openLocalKms } from '#crypto/kms/local.ts';
import { verifyCompact } from '#crypto/signing.ts';
import { readSealedHead, rewrapFile } from '#gateway/keys/sealed-file.ts';
import {
  actOnKey,
  DESTRUCTION_TYP,
  destroyDue,
  type DestructionShell,
} from '#gateway/runner/key-destruction.ts';
import { createListener } from '#gateway/runner/listener.ts';
import { signAccessToken } from '#gateway/auth/issuer.ts';
import { standingOf } from '#gateway/keys/destruction.ts';
import { findViolations } from '#gateway/storage/invariants.ts';
import { addKeyEvent, listKeyEvents } from '#gateway/storage/key-events.ts';
import { startSteps, type StepsWorld } from '#tests/support/steps-world.ts';
import { PEOPLE } from '#tests/support/gateway-world.ts';
import { keyPlace, type KeyPlace } from './key-place.ts';

let place: KeyPlace;
let steps: StepsWorld;
let sealed = '';
let shell: DestructionShell;
let bugs: unknown[] = [];
const signingKey = generateSigningKey();

beforeEach(async () => {
  place = await keyPlace();
  bugs = [];
  steps = await startSteps(
    300,
    {},
    {
      keys: place.keys,
      seal: async (file) => {
        sealed = await place.seal(file);
        rmSync(file);
        return { type: 'parquet', path: basename(sealed), sealed: { key: 'steps' } };
      },
    },
  );
  shell = {
    db: steps.world.db,
    kms: place.lazy,
    sources: steps.sources,
    signingKey,
    issuer: 'unseen.example',
    waitMs: 0,
    reportBug: (error) => void bugs.push(error),
  };
});
afterEach(async () => {
  const violations = await findViolations(steps.world.db);
  await steps.close();
  await place.close();
  if (violations.length > 0 || bugs.length > 0) throw new Error(JSON.stringify({ violations, bugs }));
});

type Person = keyof typeof PEOPLE;

function act(person: Person, kind: Parameters<typeof actOnKey>[2]['act'], on: DestructionShell = shell) {
  const by = { account: person, organisation: PEOPLE[person].organisation };
  return actOnKey(on, 'steps', { act: kind, by, reason: 'the agreement has ended' });
}

let asked = 0;
function ask(): Promise<Record<string, unknown>> {
  asked += 1;
  return steps.ended({ sql: `SELECT COUNT(*) AS n FROM steps WHERE age < ${1000 + asked}` });
}

async function standing() {
  return standingOf(await listKeyEvents(shell.db, 'steps'));
}

describe('two people', () => {
  test('one asks, another agrees, and one of them is of the organisation whose data they are', async () => {
    await act('olga', 'requested');
    await expect(act('olga', 'approved')).rejects.toMatchObject({ sentence: { id: 'keys.samePerson' } });
    await expect(act('oscar', 'approved')).rejects.toMatchObject({ sentence: { id: 'keys.ownersSide' } });
    expect(await act('petra', 'approved')).toMatchObject({ state: 'waiting' });
  });

  test('nor does the database take an approval by whoever asked, or a destruction that nobody approved', async () => {
    const { db } = shell;
    await act('petra', 'requested');
    for (const kind of ['approved', 'destroying', 'destroyed'] as const) {
      const account = kind === 'approved' ? 'petra' : null;
      const dueAt = kind === 'approved' ? new Date() : null;
      await expect(addKeyEvent(db, 'steps', () => ({ kind, account, dueAt }))).rejects.toThrow(
        /key is destroyed when|key_event/,
      );
    }
    await expect(db.rows(sql`UPDATE key_event SET account_id = 'olga'`)).rejects.toThrow(
      /insert-only|key_event/,
    );
    expect(await standing()).toMatchObject({ state: 'requested' });
  });

  test('over HTTP: by their tokens, at the runner, and nobody else', async () => {
    const { world } = steps;
    const app = createListener({
      ...world.shell,
      reader: () => Promise.resolve(world.shell),
      sources: steps.sources,
      destructions: shell,
    });
    const as = async (person: Person, path: string, body?: object): Promise<[number, unknown]> => {
      const { organisation: organisationId, roles } = PEOPLE[person];
      const token = await signAccessToken(world.shell, { id: person, organisationId, roles });
      const response = await app.request(path, {
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
      });
      return [response.status, await response.json()];
    };
    expect((await app.request('/v1/keys/steps/destruction')).status).toBe(401);
    for (const person of ['ben', 'rival', 'adele', 'susan', 'bill'] as const)
      expect((await as(person, '/v1/keys/steps/destruction', { reason: 'x' }))[0]).toBe(403);
    expect(await as('olga', '/v1/keys/none/destruction', { reason: 'x' })).toMatchObject([
      403,
      { code: 'KEY_REFUSED' },
    ]);
    expect(await as('petra', '/v1/keys/steps/destruction', {})).toMatchObject([422, { code: 'PARAM' }]);
    expect(await as('petra', '/v1/keys/steps/destruction', { reason: 'x' })).toMatchObject([
      200,
      { state: 'requested' },
    ]);
    expect(await as('petra', '/v1/keys/steps/destruction/approval', { reason: 'x' })).toMatchObject([
      422,
      {},
    ]);
    expect(await as('olga', '/v1/keys/steps/destruction/approval', { reason: 'x' })).toMatchObject([
      200,
      { state: 'waiting' },
    ]);
    expect(await as('petra', '/v1/keys/steps/destruction')).toMatchObject([
      200,
      { approved: { account: 'olga' } },
    ]);
  });
});

describe('before its time', () => {
  test('nothing is destroyed in the waiting period, and either may call it off', async () => {
    const patient = { ...shell, waitMs: 7 * 86_400_000 };
    await act('petra', 'requested', patient);
    const { approved } = await act('olga', 'approved', patient);
    expect(approved!.dueAt!.getTime() - approved!.at.getTime()).toBe(7 * 86_400_000);
    await destroyDue(patient);
    expect(await ask()).toMatchObject({ outcome: 'released' });
    expect(await act('oscar', 'cancelled', patient)).toMatchObject({ state: 'kept' });
    await destroyDue(patient, new Date(Date.now() + 8 * 86_400_000));
    expect(await ask()).toMatchObject({ outcome: 'released' });
    // Asked again, all of it begins again.
    expect(await act('olga', 'requested')).toMatchObject({ state: 'requested', approved: null });
  });

  test('a legal hold stops it, and is not lifted by whoever wants the destruction', async () => {
    await act('petra', 'requested');
    await act('olga', 'held');
    await expect(act('oscar', 'approved')).rejects.toMatchObject({ sentence: { id: 'keys.onHold' } });
    await expect(act('petra', 'lifted')).rejects.toMatchObject({ sentence: { id: 'keys.samePerson' } });
    await act('olga', 'lifted');
    await act('olga', 'approved');
    await act('oscar', 'held');
    await destroyDue(shell);
    expect(await ask()).toMatchObject({ outcome: 'released' });
    await act('oscar', 'lifted');
    await destroyDue(shell);
    expect(await standing()).toMatchObject({ state: 'destroyed' });
  });
});

/** Asks, agrees and destroys. */
async function destroyed(on: DestructionShell = shell): Promise<Awaited<ReturnType<typeof standing>>> {
  await act('petra', 'requested', on);
  await act('olga', 'approved', on);
  await destroyDue(on);
  return standing();
}

test('after it nothing opens: no version, no copy of an envelope, no job, no new process', async () => {
  const beforeRewrap = `${sealed}.before`;
  copyFileSync(sealed, beforeRewrap);
  await place.kms.rotate('steps');
  await rewrapFile(place.kms, sealed);
  const backup = join(place.directory, 'backup');
  cpSync(join(place.directory, 'keyring'), backup, { recursive: true });
  expect(await ask()).toMatchObject({ outcome: 'released' });

  const { destroyed: event } = await destroyed();
  const anotherProcess = openAgain(place, join(place.directory, 'keyring'));
  for (const kms of [place.kms, anotherProcess]) {
    await expect(kms.wrap('steps', Buffer.alloc(32), { a: 'b' })).rejects.toMatchObject({
      code: 'KEY_DESTROYED',
    });
    await expect(kms.createKey('steps')).rejects.toMatchObject({ code: 'KEY_EXISTS' });
    await expect(kms.enable('steps')).rejects.toMatchObject({ code: 'KEY_DESTROYED' });
    for (const file of [sealed, beforeRewrap]) {
      const { wrapped, object } = readSealedHead(file);
      await expect(kms.unwrap(wrapped[0]!, object.context)).rejects.toMatchObject({ code: 'KEY_DESTROYED' });
      await expect(kms.rewrap(wrapped[0]!, object.context)).rejects.toMatchObject({ code: 'KEY_DESTROYED' });
    }
  }
  const spent = await steps.world.db.rows(sql`SELECT spent_nano::text FROM lineage`);
  expect(await ask()).toMatchObject({ outcome: 'refused', code: 'KEY_REFUSED' });
  expect(await steps.world.db.rows(sql`SELECT spent_nano::text FROM lineage`)).toEqual(spent);

  // Control, and what the docs say: whoever kept a copy of the key store, with its root, still opens it.
  const { wrapped, object } = readSealedHead(sealed);
  const kept = openAgain(place, backup);
  expect(await kept.unwrap(wrapped[0]!, object.context)).toHaveLength(32);
  await Promise.all([anotherProcess.close(), kept.close()]);
  expect(event).not.toBeNull();
});

function openAgain({ config }: KeyPlace, directory: string): KmsAdapter {
  const { service } = config;
  if (service.kind !== 'local' || !('keyFile' in service.root)) throw new RangeError('a local keyring');
  mkdirSync(directory, { recursive: true });
  const lock = () => Promise.resolve({ release: () => Promise.resolve() });
  return openLocalKms({ directory, root: service.root, now: () => new Date().toISOString(), lock });
}

test('its record is signed, in the log, and says who, what and that every attempt failed', async () => {
  await place.kms.rotate('steps');
  const { destroyed: event } = await destroyed();
  const { record } = event!.detail as { record: string };
  const { payload, pinned } = await verifyCompact(record, {
    typ: DESTRUCTION_TYP,
    keys: [signingKey.publicJwk],
    acceptEmbedded: false,
  });
  expect(pinned).toBe(true);
  expect(payload).toMatchObject({
    type: 'key-destruction',
    key: 'steps',
    service: 'local',
    algorithm: 'AES-256-GCM',
    versions: [{ version: 1 }, { version: 2 }],
    requested: { account: 'petra' },
    approved: { account: 'olga' },
    proof: [{ attempt: 'wrap', code: 'KEY_DESTROYED' }, { code: 'KEY_DESTROYED' }],
  });
  const [leaf] = await steps.world.db.rows<{ body: string; class: string }>(
    sql`SELECT body, class FROM audit_leaf WHERE index = ${event!.leafIndex}::bigint`,
  );
  expect(leaf).toEqual({ body: record, class: 'key' });
  // Another key's signature is not one.
  await expect(
    verifyCompact(record, {
      typ: DESTRUCTION_TYP,
      keys: [generateSigningKey().publicJwk],
      acceptEmbedded: false,
    }),
  ).rejects.toMatchObject({ code: 'KEY_UNKNOWN' });
});

test('a job that runs meanwhile is stopped, with its reader', async () => {
  let isInside = (): void => undefined;
  const inside = new Promise<void>((resolve) => {
    isInside = resolve;
  });
  const open = steps.sources.open.bind(steps.sources);
  steps.sources.open = async (...given) => {
    const source = await open(...given);
    const use: typeof source.use = (job, signal) =>
      source.use(async (engine) => {
        isInside();
        await engine.query(
          'SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE (a.range * b.range) % 7 = 3',
          [],
        );
        return job(engine);
      }, signal);
    return { ...source, use };
  };
  const running = ask();
  await inside;
  const since = performance.now();
  await destroyed();
  expect(await running).toMatchObject({ outcome: 'failed' });
  expect(performance.now() - since).toBeLessThan(5_000);
  const events = await listKeyEvents(shell.db, 'steps');
  const { record } = standingOf(events).destroyed!.detail as { record: string };
  const payload = JSON.parse(Buffer.from(record.split('.')[1]!, 'base64url').toString()) as object;
  expect(payload).toMatchObject({ jobsStopped: 1 });
});

test('a crash after the key service has destroyed is gone on with, and signed', async () => {
  const crashing: DestructionShell = {
    ...shell,
    sources: { endKey: () => Promise.reject(new Error('the power went')) },
  };
  await act('petra', 'requested');
  await act('olga', 'approved');
  await expect(destroyDue(crashing)).rejects.toThrow('the power went');
  expect(await standing()).toMatchObject({ state: 'destroying' });
  await expect(act('olga', 'cancelled')).rejects.toMatchObject({ code: 'PARAM' });
  await expect(act('oscar', 'held')).rejects.toMatchObject({ code: 'PARAM' });
  expect(await ask()).toMatchObject({ code: 'KEY_REFUSED' });
  await destroyDue(shell);
  const { destroyed: event } = await standing();
  expect(event?.detail).toHaveProperty('record');
  await destroyDue(shell);
  expect((await listKeyEvents(shell.db, 'steps')).filter(({ kind }) => kind === 'destroyed')).toHaveLength(1);
});

test('control: a key service that says so and destroys nothing gets no record', async () => {
  const liar = Object.assign(Object.create(place.kms) as KmsAdapter, {
    destroy: () => Promise.resolve({}),
    describe: () => place.kms.describe('steps').then((key) => ({ ...key, versions: [] })),
    generateDataKey: place.kms.generateDataKey.bind(place.kms),
    unwrap: place.kms.unwrap.bind(place.kms),
  });
  const lied: DestructionShell = { ...shell, kms: { get: () => Promise.resolve(liar) } };
  await act('petra', 'requested');
  await act('olga', 'approved');
  await expect(destroyDue(lied)).rejects.toThrow('a destroyed key was used');
  expect(await standing()).toMatchObject({ state: 'destroying', destroyed: null });
});

test('control: a key service that destroys all versions but one gets no record', async () => {
  const liar = Object.assign(Object.create(place.kms) as KmsAdapter, {
    describe: () =>
      place.kms.describe('steps').then((key) => ({
        ...key,
        versions: key.versions.map((version) => ({ ...version, state: 'decrypt-only' })),
      })),
    destroy: place.kms.destroy.bind(place.kms),
    generateDataKey: place.kms.generateDataKey.bind(place.kms),
    unwrap: place.kms.unwrap.bind(place.kms),
  });
  const lied: DestructionShell = { ...shell, kms: { get: () => Promise.resolve(liar) } };
  await act('petra', 'requested');
  await act('olga', 'approved');
  await expect(destroyDue(lied)).rejects.toThrow('a version of a destroyed key is left');
  expect(await standing()).toMatchObject({ state: 'destroying', destroyed: null });
});

test('the key store on disk has nothing of a destroyed key, by its length', async () => {
  const file = join(place.directory, 'keyring', 'keyring.sealed');
  await place.kms.createKey('control');
  const before = readFileSync(file).length;
  await destroyed();
  expect(readFileSync(file).length).toBeLessThan(before);
});
