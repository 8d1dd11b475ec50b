/** Filed documents: two people, wordings that follow one another, and grants that end with their agreement. */
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { digestOf } from '#crypto/canonical.ts';
import { admit } from '#gateway/storage/admission.ts';
import type { Database } from '#gateway/storage/database.ts';
import {
  approveDocument,
  documentsInForce,
  fileDocument,
  type FiledDocument,
  findDocument,
  listDocuments,
  newestDocument,
  withdrawDocument,
} from '#gateway/storage/documents.ts';
import { findGrant, saveGrant } from '#gateway/storage/grant-store.ts';
import { findViolations } from '#gateway/storage/invariants.ts';
import { describeEngines, openEngine, type OpenEngine } from '#tests/support/engines.ts';
import { ask, freshId, makeScene, type Scene } from '#tests/support/world.ts';

const MINUTE = 60_000;
const DAY = 1_440 * MINUTE;

const NOW = Date.now();

/** A moment so many days from the beginning of the tests. */
function inDays(days: number): Date {
  return new Date(NOW + days * DAY);
}

describeEngines('on', (engine) => {
  let opened: OpenEngine;
  let db: Database;
  let maker: Scene;
  let checker: string;

  beforeAll(async () => {
    opened = await openEngine(engine);
    db = opened.db;
    maker = await makeScene(db);
    checker = (await makeScene(db)).account;
  });
  afterAll(() => opened.close());

  const file = (
    id: string,
    dates: { readonly from: Date; readonly to?: Date | null },
    kind: 'RateCard' | 'Agreement' = 'RateCard',
  ): Promise<FiledDocument> =>
    fileDocument(db, {
      kind,
      id,
      body: { text: freshId() },
      from: dates.from,
      to: dates.to ?? null,
      by: maker.account,
    });
  const approve = (document: FiledDocument): Promise<FiledDocument> =>
    approveDocument(db, { ...document, by: checker });
  const fileApproved = async (...args: Parameters<typeof file>): Promise<FiledDocument> =>
    approve(await file(...args));
  const idsAt = async (at: Date): Promise<readonly string[]> =>
    (await documentsInForce(db, 'RateCard', at)).map(({ id, revision }) => `${id}/${revision}`);

  test('what is filed counts once another account has approved it, and has its leaf', async () => {
    const id = freshId();
    const filed = await file(id, { from: inDays(-9) });
    expect(filed).toMatchObject({ revision: 1, approvedBy: null, filedBy: maker.account });
    expect(filed.digest).toBe(digestOf({ kind: 'RateCard', id, revision: 1, body: filed.body }));
    expect(await idsAt(new Date())).not.toContain(`${id}/1`);
    const own = approveDocument(db, { ...filed, by: maker.account });
    await expect(own).rejects.toMatchObject({ code: 'NO_GRANT' });
    const approved = await approve(filed);
    expect(approved).toMatchObject({ approvedBy: checker, digest: filed.digest, effectiveTo: null });
    expect(await idsAt(new Date())).toContain(`${id}/1`);
    expect(await idsAt(inDays(-10))).not.toContain(`${id}/1`);
    expect(await approve(filed)).toEqual(approved);
    const [leaf] = await db.rows<{ body: string }>(sql`
      SELECT l.body FROM audit_leaf l JOIN filed_document d ON d.leaf_index = l.index WHERE d.id = ${id}`);
    expect(JSON.parse(leaf?.body ?? '')).toEqual({
      type: 'document',
      document: `RateCard/${id}/1`,
      digest: filed.digest,
      filedBy: maker.account,
      approvedBy: checker,
      at: approved.approvedAt?.toISOString(),
    });
    expect(await findViolations(db)).toEqual([]);
  });

  test('a check that refuses leaves nothing, and one that does not lets the approval pass', async () => {
    const filed = await file(freshId(), { from: inDays(1) });
    const check = () => Promise.reject(new RangeError('no'));
    await expect(approveDocument(db, { ...filed, by: checker, check })).rejects.toThrow('no');
    expect(await findDocument(db, 'RateCard', filed)).toMatchObject({ approvedAt: null });
    expect((await approve(filed)).approvedAt).not.toBeNull();
  });

  test('a new wording ends the open one before it, and the lookup knows either', async () => {
    const id = freshId();
    await fileApproved(id, { from: inDays(-9) });
    const second = await file(id, { from: inDays(9) });
    expect(second.revision).toBe(2);
    expect(await findDocument(db, 'RateCard', { id, revision: 1 })).toMatchObject({ effectiveTo: null });
    await approve(second);
    expect(await findDocument(db, 'RateCard', { id, revision: 1 })).toMatchObject({ effectiveTo: inDays(9) });
    expect(await newestDocument(db, 'RateCard', id)).toMatchObject({ revision: 2 });
    const at = async (moment: Date) => (await idsAt(moment)).filter((name) => name.startsWith(id));
    expect(await at(new Date(inDays(9).getTime() - 1))).toEqual([`${id}/1`]);
    expect(await at(inDays(9))).toEqual([`${id}/2`]);
    expect((await listDocuments(db, 'RateCard')).filter((one) => one.id === id)).toHaveLength(2);
  });

  test.for([
    ['begins before the one before', {}, inDays(-10), 'document.notAfter'],
    ['begins with the one before', {}, inDays(-9), 'document.notAfter'],
    ['begins in the past', {}, inDays(-1), 'document.past'],
    ['overlaps a fixed end', { to: inDays(9) }, inDays(8), 'document.overlap'],
    ['leaves a gap after a fixed end', { to: inDays(9) }, inDays(10), 'document.gap'],
  ] as const)('a wording that %s is refused, when it is filed and when it is approved', async (given) => {
    const [, first, from, rule] = given;
    const id = freshId();
    const before = await file(id, { from: inDays(-9), ...first });
    const early = await file(id, { from });
    await approve(before);
    const dates = { from: from.toISOString(), ...('to' in first && { end: first.to.toISOString() }) };
    const refused = { code: 'PARAM', sentence: { id: rule, args: dates } };
    await expect(approve(early)).rejects.toMatchObject(refused);
    expect(await fileDocument(db, { ...early, from, to: null, by: maker.account })).toEqual(early);
    const other = fileDocument(db, { ...early, body: {}, from, to: null, by: maker.account });
    await expect(other).rejects.toMatchObject(refused);
    // The control: the same begin where nothing was approved before.
    expect((await fileApproved(freshId(), { from })).revision).toBe(1);
  });

  test('a wording begins where the fixed one ends, or later when that is past', async () => {
    const [running, over] = [freshId(), freshId()];
    await fileApproved(running, { from: inDays(-9), to: inDays(9) });
    expect((await fileApproved(running, { from: inDays(9) })).revision).toBe(2);
    await fileApproved(over, { from: inDays(-9), to: inDays(-2) });
    expect((await fileApproved(over, { from: inDays(3) })).revision).toBe(2);
    expect(await findViolations(db)).toEqual([]);
  });

  test('what is past is so by the clock of whoever asks, give or take some minutes', async () => {
    const id = freshId();
    await fileApproved(id, { from: inDays(-9) });
    const late = { kind: 'RateCard', id, body: {}, to: null, by: maker.account } as const;
    const from = new Date(inDays(0).getTime() - 3 * MINUTE);
    expect((await fileDocument(db, { ...late, from })).revision).toBe(2);
    const now = inDays(1);
    const earlier = fileDocument(db, { ...late, body: { later: true }, from, now });
    await expect(earlier).rejects.toMatchObject({ sentence: { id: 'document.past' } });
  });

  test('a withdrawal ends a wording from then on, and the next one may begin', async () => {
    const id = freshId();
    const first = await fileApproved(id, { from: inDays(-9) });
    const draft = await file(id, { from: inDays(1) });
    await withdrawDocument(db, { ...draft, by: maker.account });
    await expect(approve(draft)).rejects.toMatchObject({ sentence: { id: 'document.withdrawn' } });
    const second = await fileApproved(id, { from: inDays(2) });
    const older = withdrawDocument(db, { ...first, by: checker });
    await expect(older).rejects.toMatchObject({ sentence: { id: 'document.newerApproved' } });
    await withdrawDocument(db, { ...second, by: checker });
    // What was to follow never did: the one before ends where it was to, and another may follow there.
    expect((await fileApproved(id, { from: inDays(2) })).revision).toBe(4);
    expect(await idsAt(inDays(-1))).toContain(`${id}/1`);
    expect(await findViolations(db)).toEqual([]);
  });

  test('of many who file and approve at once every wording has its number and one approval stands', async () => {
    const id = freshId();
    const by = maker.account;
    const filed = await Promise.all(
      Array.from({ length: 8 }, (_, number) =>
        fileDocument(db, {
          kind: 'RateCard',
          id,
          body: { number },
          from: inDays(number + 1),
          to: null,
          by,
        }),
      ),
    );
    expect(new Set(filed.map(({ revision }) => revision))).toEqual(new Set([1, 2, 3, 4, 5, 6, 7, 8]));
    const ends = await Promise.allSettled(filed.map(approve));
    expect(ends.some(({ status }) => status === 'fulfilled')).toBe(true);
    expect(await findViolations(db)).toEqual([]);
  });

  test('a grant ends with its agreement, and an agreement that is withdrawn takes its grants with it', async () => {
    const scene = await makeScene(db);
    const id = freshId();
    const grant = { ...(await findGrant(db, scene.grant))!.body, parentAgreement: id };
    await saveGrant(db, { grant, upstream: [], by: 'officer' });
    expect(await findGrant(db, scene.grant)).toMatchObject({ upstream: [], revoked: false });
    const end = inDays(9);
    const first = await fileApproved(id, { from: inDays(-9), to: end }, 'Agreement');
    const upstream = [{ kind: 'operationAgreement', id, end: end.toISOString(), revoked: false }];
    expect(await findGrant(db, scene.grant)).toMatchObject({ upstream });
    let seen: unknown;
    const decide = (standing: unknown): void => void (seen = standing);
    await admit(db, ask(scene, { decide }));
    expect(seen).toMatchObject({ upstream });
    const later = await fileApproved(id, { from: end }, 'Agreement');
    expect(await findGrant(db, scene.grant)).toMatchObject({ upstream: [] });
    await withdrawDocument(db, { ...later, by: checker });
    expect(await findGrant(db, scene.grant)).toMatchObject({ upstream, revoked: false });
    await withdrawDocument(db, { ...first, by: checker });
    expect(await findGrant(db, scene.grant)).toMatchObject({ upstream: [], revoked: true });
    await expect(admit(db, ask(scene))).rejects.toMatchObject({ code: 'GRANT_REVOKED' });
    const [job] = await db.rows(sql`SELECT halt_code AS code FROM job WHERE grant_id = ${scene.grant}`);
    expect(job).toEqual({ code: 'GRANT_REVOKED' });
    // The control: a grant on another agreement.
    expect(await findGrant(db, maker.grant)).toMatchObject({ revoked: false });
  });
});
