/** A program in a small world (world.ts): submitted by its buyer, with a reviewer on each side, in any stage of its review. */
import { sql } from 'drizzle-orm';

import type { Database } from '#gateway/storage/database.ts';
import { type Actor, approveProgram, recordReading, saveProgram } from '#gateway/storage/program-store.ts';
import { saveAccount, saveOrganisation } from '#gateway/storage/parties.ts';

import { freshId, makeScene, type Scene } from './world.ts';

/** Somebody who speaks for a side. */
export type Reviewer = Actor & { readonly side: 'operator' | 'provider' };

export interface ReviewScene {
  readonly scene: Scene;
  readonly operator: Reviewer;
  readonly provider: Reviewer;
}

/** A scene whose data are another organisation's than its buyer's, with a reviewer on each side. */
export async function makeReviewScene(db: Database, made?: Scene): Promise<ReviewScene> {
  const scene = made ?? (await makeScene(db));
  const [operator, provider] = [`operator-${freshId()}`, `provider-${freshId()}`];
  for (const id of [operator, provider]) {
    await saveOrganisation(db, { id, name: id, region: 'CN', sector: 'x', operator: id === operator });
    await saveAccount(db, { id, organisationId: id, roles: [], keys: [] });
  }
  await db.rows(sql`UPDATE dataset SET organisation_id = ${provider} WHERE name = ${scene.dataset}`);
  return {
    scene,
    operator: { account: operator, organisation: operator, side: 'operator' },
    provider: { account: provider, organisation: provider, side: 'provider' },
  };
}

/** Submits a program that nobody submitted before; its digest. `again`: whether the same could be submitted once more. */
export async function submitNew(
  db: Database,
  scene: Scene,
  name = 'scores',
): Promise<{ readonly digest: string; readonly again: boolean }> {
  const digest = `sha256:${freshId()}${freshId()}`;
  const made = {
    digest,
    moduleDigest: `sha256:${freshId()}${freshId()}`,
    organisationId: scene.organisation,
    name,
    module: 'export const map = (row) => row.cost;',
    manifest: { kind: 'Program', name },
    datasets: [scene.dataset],
    record: {
      algorithmType: 'sum',
      modelType: null,
      scene: null,
      implementation: null,
      intellectualProperty: null,
      securityReview: null,
    },
    submitter: scene.account,
    scan: { findings: [], tools: { acorn: '8' } },
  };
  await saveProgram(db, made);
  return { digest, again: await saveProgram(db, made) };
}

/** A review scene with a program that both sides have read and approved. */
export async function approveNew(
  db: Database,
  made?: ReviewScene,
): Promise<ReviewScene & { readonly digest: string }> {
  const review = made ?? (await makeReviewScene(db));
  const { digest } = await submitNew(db, review.scene);
  for (const by of [review.operator, review.provider]) {
    await recordReading(db, digest, { by, isReview: true });
    await approveProgram(db, digest, { by, opinion: 'sound' });
  }
  return { ...review, digest };
}
