/**
 * The end of keys, in the runner that keeps them: requests, approvals, and the destruction itself when it is due.
 *
 * The order of a destruction: what it will destroy is on record; the key service destroys every version; the jobs on
 * its data are stopped and their readers ended; it is tried to open everything that was sealed under it; the record of
 * all that is signed and in the log. A crash anywhere leaves a destruction that the next look goes on with.
 * Guarantee: a record is signed only when no attempt to open anything succeeded. From the key service's answer on no
 * reader can be opened; from the record on none of this runner is open.
 * Not covered: copies of the key store elsewhere (a backup of it opens what it held), and plaintext outside of Unseen.
 */
import type { EvidenceKey } from '#crypto/evidence-key.ts';
import { type KeyDescription, type KmsAdapter, KmsError } from '#crypto/kms/adapter.ts';
import { signCompact } from '#crypto/signing.ts';
import { type Person, checkAct, isDue, type KeyAct, type Standing, standingOf } from '../keys/destruction.ts';
import { isAboutTheKey, withKeyFaults } from '../keys/key-faults.ts';
import { readSealedHead } from '../keys/sealed-file.ts';
import type { Database } from '../storage/database.ts';
import {
  addKeyEvent,
  type KeyEvent,
  listKeyEvents,
  listKeysUnderDestruction,
} from '../storage/key-events.ts';
import { haltVersions } from '../storage/suspension.ts';
import { listSealedVersions, type SealedVersion } from './source-store.ts';
import type { Sources } from './sources.ts';

/** The `typ` of a destruction record. */
export const DESTRUCTION_TYP = 'unseen-key-destruction+jwt';

const LOOK_MS = 10_000;

export interface DestructionShell {
  readonly db: Database;
  readonly kms: { get(): Promise<KmsAdapter> };
  readonly sources: Pick<Sources, 'endKey'>;
  /** Signs records. */
  readonly signingKey: EvidenceKey;
  readonly issuer: string;
  /** From the approval to the destruction. */
  readonly waitMs: number;
  readonly reportBug: (error: unknown, id: string) => void;
}

/** A person's act about a key; how the key stands then. Refusal PARAM when he may not do it now. */
export async function actOnKey(
  { db, kms, waitMs }: DestructionShell,
  key: string,
  { act, by, reason }: { readonly act: KeyAct; readonly by: Person; readonly reason: string | null },
): Promise<Standing> {
  if (act === 'requested') await withKeyFaults({ key }, (await kms.get()).describe(key));
  const providers = await providersOf(db, key);
  const events = await addKeyEvent(db, key, (before, now) => {
    checkAct(standingOf(before), act, { by, providers });
    const dueAt = act === 'approved' ? new Date(now.getTime() + waitMs) : null;
    return { kind: act, account: by.account, reason, dueAt };
  });
  return standingOf(events);
}

/** Whose data are sealed under a key. */
export async function providersOf(db: Database, key: string): Promise<readonly string[]> {
  return [...new Set((await listSealedVersions(db, key)).map(({ provider }) => provider))];
}

/** Looks for destructions that are due, now and regularly. Returns what stops the looking. */
export function startDestructions(shell: DestructionShell): () => Promise<void> {
  let looking: Promise<void> = Promise.resolve();
  const look = (): void => {
    looking = looking.then(() => destroyDue(shell)).catch((error: unknown) => shell.reportBug(error, 'keys'));
  };
  look();
  const timer = setInterval(look, LOOK_MS);
  return async () => {
    clearInterval(timer);
    await looking;
  };
}

/** Destroys every key whose time has come. */
export async function destroyDue(shell: DestructionShell, now = new Date()): Promise<void> {
  for (const key of await listKeysUnderDestruction(shell.db)) {
    const standing = standingOf(await listKeyEvents(shell.db, key));
    if (isDue(standing, now)) await destroyKey(shell, key, standing);
  }
}

async function destroyKey(shell: DestructionShell, key: string, standing: Standing): Promise<void> {
  const { db } = shell;
  const kms = await shell.kms.get();
  const events =
    standing.state === 'destroying' ? await listKeyEvents(db, key) : await beginDestruction(db, kms, key);
  await destroyInService(kms, key);
  const versions = await listSealedVersions(db, key);
  const halted = await haltVersions(
    db,
    versions.map(({ versionId }) => versionId),
  );
  const ended = await shell.sources.endKey(key);
  const proof = await proveGone(kms, key, versions);
  const facts = events.findLast(({ kind }) => kind === 'destroying')?.detail ?? {};
  const { requested, approved } = standingOf(events);
  const record = await signCompact(
    {
      type: 'key-destruction',
      issuer: shell.issuer,
      key,
      ...facts,
      requested: personOf(requested),
      approved: personOf(approved),
      destroyedAt: new Date().toISOString(),
      jobsStopped: halted.length,
      readersEnded: ended,
      proof,
    },
    shell.signingKey,
    { typ: DESTRUCTION_TYP },
  );
  await addKeyEvent(db, key, () => ({ kind: 'destroyed', account: null, detail: { record }, leaf: record }));
}

/** From here on there is no way back: what will be destroyed is on record. */
async function beginDestruction(db: Database, kms: KmsAdapter, key: string): Promise<readonly KeyEvent[]> {
  const known = await describeOrNull(kms, key);
  return addKeyEvent(db, key, (before, at) => {
    if (!isDue(standingOf(before), at)) throw new RangeError('a destruction that is not due any more');
    return { kind: 'destroying', account: null, detail: factsOf(kms, known) };
  });
}

function personOf(event: Standing['requested']): object {
  return { account: event?.account ?? '', at: event?.at.toISOString() ?? '', reason: event?.reason ?? '' };
}

/** What is about to be destroyed: of each version its number, age and fingerprint. */
function factsOf({ kind: service }: KmsAdapter, key: KeyDescription | null): object {
  const versions = (key?.versions ?? []).map(({ version, createdAt, fingerprint, state }) => ({
    version,
    createdAt,
    fingerprint,
    state,
  }));
  return { service, algorithm: key?.algorithm ?? null, versions };
}

async function describeOrNull(kms: KmsAdapter, key: string): Promise<KeyDescription | null> {
  try {
    return await kms.describe(key);
  } catch (error) {
    if (isAboutTheKey(error)) return null;
    throw error;
  }
}

/** A key that is destroyed already, by an attempt before a crash, is what is wanted. */
async function destroyInService(kms: KmsAdapter, key: string): Promise<void> {
  try {
    await kms.destroy(key);
  } catch (error) {
    if (!(error instanceof KmsError) || !['KEY_DESTROYED', 'KEY_UNKNOWN'].includes(error.code)) throw error;
  }
}

/** Tries everything that could still open something. Throws RangeError when any of it does. */
async function proveGone(
  kms: KmsAdapter,
  key: string,
  versions: readonly SealedVersion[],
): Promise<readonly object[]> {
  const after = await describeOrNull(kms, key);
  if (after !== null && after.versions.some(({ state }) => state !== 'destroyed'))
    throw new RangeError('a version of a destroyed key is left');
  const attempts = [
    { attempt: 'wrap', ...(await codeOf(kms.generateDataKey(key, { dataset: 'proof' }, 32))) },
  ];
  for (const { versionId, path } of versions) {
    const head = headOrNull(path);
    const wrapped = head?.wrapped.find(({ keyId }) => keyId === key);
    const outcome =
      head === null || wrapped === undefined
        ? { code: 'NO_FILE' }
        : await codeOf(kms.unwrap(wrapped, head.object.context));
    attempts.push({ attempt: `unwrap ${versionId}`, ...outcome });
  }
  return attempts;
}

/** The code with which an attempt on a destroyed key ends. */
async function codeOf(attempt: Promise<unknown>): Promise<{ readonly code: string }> {
  try {
    await attempt;
  } catch (error) {
    if (error instanceof KmsError && isAboutTheKey(error)) return { code: error.code };
    throw error;
  }
  throw new RangeError('a destroyed key was used');
}

function headOrNull(path: string): ReturnType<typeof readSealedHead> | null {
  try {
    return readSealedHead(path);
  } catch {
    return null;
  }
}
