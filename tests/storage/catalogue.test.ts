/** Registration, grants and parties: one ledger per lineage, approvals per wording, tokens that count once. */
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { lastCheckpoint, saveCheckpoint } from '#gateway/storage/audit-log.ts';
import type { Database } from '#gateway/storage/database.ts';
import {
  approveGrant,
  findGrant,
  type GrantRecord,
  listGrants,
  saveGrant,
} from '#gateway/storage/grant-store.ts';
import { findLedgers } from '#gateway/storage/ledger.ts';
import { findAccount, saveAccount, useAssertion } from '#gateway/storage/parties.ts';
import { registerDataset, type Registration } from '#gateway/storage/registration.ts';
import { revokeGrant } from '#gateway/storage/suspension.ts';
import { Failure } from '#policies/refusal.ts';
import { openEngine, type OpenEngine } from '#tests/support/engines.ts';
import { freshId, makeScene } from '#tests/support/world.ts';

async function sentenceOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'done';
  } catch (error) {
    if (error instanceof Failure) return error.sentence.id;
    throw error;
  }
}

describe('on pglite', () => {
  let opened: OpenEngine;
  let db: Database;

  beforeAll(async () => {
    opened = await openEngine('pglite');
    db = opened.db;
  });
  afterAll(() => opened.close());

  /** A registration under fresh names, for the organisation of a scene. */
  async function fresh(): Promise<Registration> {
    const { organisation } = await makeScene(db);
    const tag = freshId().slice(0, 8);
    return {
      name: `beds_${tag}`,
      organisation,
      ledger: { lineage: `l-${tag}`, unit: 'rho', capacity: { nano: 100n, thresholdDeltaYocto: 10n } },
      population: { lineage: `p-${tag}`, unit: 'rho', capacity: { nano: 50n, thresholdDeltaYocto: 10n } },
      manifest: { name: 'beds' },
      policy: {},
      policyDigest: 'd',
      version: { id: freshId(), commitment: 'hmac' },
      source: { path: `/data/${tag}`, digest: freshId(), identity: {}, versionKey: 'k' },
    };
  }

  async function getGrant(id: string): Promise<GrantRecord> {
    const grant = await findGrant(db, id);
    if (grant === null) throw new RangeError('no such grant');
    return grant;
  }

  const again = (first: Registration): Registration => ({
    ...first,
    version: { id: freshId(), commitment: 'hmac' },
    source: { ...first.source, digest: freshId() },
  });

  test('a capacity is fixed at first use: a later policy lowers it, and none raises it again', async () => {
    const first = await fresh();
    await registerDataset(db, first);
    for (const [nano, want] of [
      [60n, '60'],
      [90n, '60'],
      [200n, '60'],
    ] as const) {
      const ledger = { ...first.ledger, capacity: { nano, thresholdDeltaYocto: 10n } };
      await registerDataset(db, { ...again(first), ledger });
      expect(await findLedgers(db, [first.ledger.lineage])).toMatchObject([{ capacity: { nano: want } }]);
    }
    for (const change of [{ unit: 'epsilon' as const }, { capacity: null }]) {
      const ledger = { ...first.ledger, ...change };
      expect(await sentenceOf(registerDataset(db, { ...again(first), ledger }))).toBe(
        'storage.capacityFixed',
      );
    }
  });

  test('B5: a population keeps its first capacity and unit; a member may lower it, and none raises it', async () => {
    const [first, second, pure] = [await fresh(), await fresh(), await fresh()];
    await registerDataset(db, first);
    const shared = first.population!;
    for (const [nano, want] of [
      [40n, '40'],
      [90n, '40'],
    ] as const) {
      const population = { ...shared, capacity: { nano, thresholdDeltaYocto: 10n } };
      await registerDataset(db, { ...again(second), population });
      expect(await findLedgers(db, [shared.lineage])).toMatchObject([{ capacity: { nano: want } }]);
    }
    for (const change of [{ unit: 'epsilon' as const }, { capacity: null }]) {
      const population = { ...shared, ...change };
      expect(await sentenceOf(registerDataset(db, { ...pure, population }))).toBe('storage.populationUnit');
    }
    expect(await findLedgers(db, [pure.ledger.lineage])).toEqual([]);
  });

  test('B6: an alias of a lineage that leaves its population out, or names another, is refused', async () => {
    const [first, alias] = [await fresh(), await fresh()];
    await registerDataset(db, first);
    for (const population of [null, alias.population]) {
      const outside = { ...alias, ledger: first.ledger, population };
      expect(await sentenceOf(registerDataset(db, outside))).toBe('storage.populationFixed');
    }
    const inside = { ...alias, ledger: first.ledger, population: first.population };
    expect(await sentenceOf(registerDataset(db, inside))).toBe('done');
  });

  test.for(['path', 'digest'] as const)('the same %s under another lineage is refused', async (part) => {
    const [first, alias] = [await fresh(), await fresh()];
    await registerDataset(db, first);
    const source = { ...alias.source, [part]: first.source[part] };
    expect(await sentenceOf(registerDataset(db, { ...alias, source }))).toBe('storage.sourceHeld');
    // Under the same lineage it may have as many names as it likes: they share one ledger.
    const named = { ...alias, source, ledger: first.ledger, population: first.population };
    expect(await sentenceOf(registerDataset(db, named))).toBe('done');
  });

  test('a refused registration leaves nothing', async () => {
    const [first, alias] = [await fresh(), await fresh()];
    await registerDataset(db, first);
    const source = { ...alias.source, digest: first.source.digest };
    await sentenceOf(registerDataset(db, { ...alias, source }));
    const rows = await db.rows(sql`
      SELECT id FROM lineage WHERE id = ${alias.ledger.lineage} UNION ALL SELECT value FROM source_claim WHERE value = ${source.path}`);
    expect(rows).toEqual([]);
  });

  test('a dataset keeps its lineage, population and organisation', async () => {
    const [first, other] = [await fresh(), await fresh()];
    await registerDataset(db, first);
    await registerDataset(db, other);
    for (const change of [
      { ledger: other.ledger },
      { population: null },
      { organisation: other.organisation },
    ]) {
      const moved = { ...again(first), ...change, source: again(other).source };
      expect(
        await sentenceOf(registerDataset(db, { ...moved, source: { ...moved.source, path: freshId() } })),
      ).toBe('storage.lineageFixed');
    }
  });

  test('a new wording of a grant needs its approvals anew, and an old approval does not reach it', async () => {
    const scene = await makeScene(db);
    const { body: grant } = await getGrant(scene.grant);
    const approval = { grantId: scene.grant, revision: 1, by: 'officer' } as const;
    for (const side of ['provider', 'buyer'] as const)
      expect(await approveGrant(db, { ...approval, side })).toBe(true);
    expect(await findGrant(db, scene.grant)).toMatchObject({
      providerApproval: { by: 'officer' },
      subjectApproval: null,
    });
    expect(await saveGrant(db, { grant, upstream: [], by: 'officer' })).toBe(2);
    expect(await findGrant(db, scene.grant)).toMatchObject({
      revision: 2,
      providerApproval: null,
      buyerApproval: null,
    });
    expect(await approveGrant(db, { ...approval, side: 'provider' })).toBe(false);
    expect(await approveGrant(db, { ...approval, revision: 2, side: 'provider' })).toBe(true);
    expect((await listGrants(db, scene.organisation)).map(({ id }) => id)).toEqual([scene.grant]);
    const revisions = await db.rows(
      sql`SELECT revision FROM grant_revision WHERE grant_id = ${scene.grant} ORDER BY revision`,
    );
    expect(revisions).toEqual([{ revision: 1 }, { revision: 2 }]);
  });

  test('a revoked grant keeps its wording and takes no approval', async () => {
    const scene = await makeScene(db);
    const { body: grant } = await getGrant(scene.grant);
    await revokeGrant(db, { grantId: scene.grant, by: 'officer' });
    await expect(saveGrant(db, { grant, upstream: [], by: 'officer' })).rejects.toThrow(RangeError);
    expect(await approveGrant(db, { grantId: scene.grant, revision: 1, side: 'buyer', by: 'officer' })).toBe(
      false,
    );
    expect(await findGrant(db, scene.grant)).toMatchObject({ revoked: true, revision: 1 });
  });

  test('an account is found with its organisation, and stays with it', async () => {
    const [scene, other] = [await makeScene(db), await makeScene(db)];
    expect(await findAccount(db, scene.account)).toMatchObject({
      roles: ['buyer'],
      revoked: false,
      organisation: { id: scene.organisation, region: 'CN-31', suspended: false },
    });
    const moved = { id: scene.account, organisationId: other.organisation, roles: [], keys: [] };
    await expect(saveAccount(db, moved)).rejects.toThrow(RangeError);
  });

  test('a checkpoint is kept as it was first', async () => {
    expect(await lastCheckpoint(db)).toBeNull();
    await saveCheckpoint(db, { size: 7n, root: 'aa', note: 'first' });
    await saveCheckpoint(db, { size: 7n, root: 'bb', note: 'second' });
    expect(await lastCheckpoint(db)).toEqual({ size: 7n, root: 'aa', note: 'first' });
  });

  test('an assertion counts once, until it has expired and is forgotten', async () => {
    const [issuer, jti] = [freshId(), freshId()];
    const soon = new Date(Date.now() + 60_000);
    const uses = await Promise.all([1, 2, 3].map(() => useAssertion(db, { issuer, jti, expiresAt: soon })));
    expect(uses.filter(Boolean)).toHaveLength(1);
    expect(await useAssertion(db, { issuer: freshId(), jti, expiresAt: soon })).toBe(true);
    await useAssertion(db, { issuer, jti: 'old', expiresAt: new Date(0) });
    await useAssertion(db, { issuer, jti: 'new', expiresAt: soon });
    expect(
      await db.rows(sql`SELECT jti FROM client_assertion WHERE issuer = ${issuer} AND jti = 'old'`),
    ).toEqual([]);
  });
});
