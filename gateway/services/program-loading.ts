/**
 * Programs on their way into a job: the approved one of this digest, and nothing else.
 *
 * Guarantee: what is given is byte for byte what was approved: module and manifest have the digest again. The gateway
 * asks when a request comes, the runner again when its job is about to run.
 */
import { ABORTS_MAX } from '#policies/program-review.ts';
import { Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import { programManifestOf } from '#sandbox/program/manifest-file.ts';
import { type Program, programDigestOf } from '#sandbox/program/program.ts';
import type { Tx } from '../storage/database.ts';
import { findProgram } from '../storage/program-store.ts';

/**
 * The approved program of an organisation. Refusal PROGRAM_NOT_APPROVED for every other: also for one that is somebody
 * else's, of which nothing is said.
 */
export async function approvedProgram(
  db: Tx,
  { digest, organisation }: { readonly digest: string; readonly organisation: string },
): Promise<Program> {
  const stored = await findProgram(db, digest);
  if (stored?.organisationId === organisation && stored.state === 'suspended')
    throw new Refusal(
      'PROGRAM_NOT_APPROVED',
      say('programs.suspended', { program: digest, aborts: ABORTS_MAX }),
    );
  const isApproved =
    stored !== null &&
    stored.state === 'approved' &&
    stored.organisationId === organisation &&
    programDigestOf(stored.module, stored.manifest) === digest;
  if (!isApproved)
    throw new Refusal('PROGRAM_NOT_APPROVED', say('programs.notApproved', { program: digest }));
  const { module, manifest } = stored;
  return { module, manifest: programManifestOf(manifest, stored.name), digest };
}
