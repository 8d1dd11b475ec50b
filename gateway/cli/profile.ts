/**
 * Profiles: which server a person speaks to, as whom, with which key; one of them is the current one.
 *
 * Guarantee: the directory and its files can be read by their owner only (0700, 0600), and a key that others
 * can read is not used; a profile is written whole or not at all; no function here gives a private key as text.
 * Not covered: a key is not encrypted at rest; whoever is the owner on this machine can use it.
 */
import { randomBytes } from 'node:crypto';
import {
  type Stats,
  linkSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { type SigningKey, exportSigningKey, importSigningKey } from '#crypto/ed25519-key.ts';
import { Failure } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const DEFAULT_NAME = 'default';
const OTHERS = 0o077;

const profileSchema = z.strictObject({
  url: z.string(),
  runnerUrl: z.string().nullable(),
  /** What the server calls itself. */
  issuer: z.string(),
  account: z.string(),
});

export type Profile = Readonly<z.infer<typeof profileSchema>>;

export interface StoredProfile extends Profile {
  readonly name: string;
  readonly key: SigningKey;
}

/** The profiles of one directory. All methods throw Failure CONFIG. */
export class Profiles {
  readonly #directory: string;

  constructor(configDirectory: string) {
    this.#directory = join(configDirectory, 'profiles');
  }

  names(): readonly string[] {
    try {
      return readdirSync(this.#directory)
        .filter((file) => file.endsWith('.json'))
        .map((file) => file.slice(0, -'.json'.length))
        .sort();
    } catch {
      return [];
    }
  }

  /** The name that is meant when none is given. */
  currentName(): string {
    try {
      return readFileSync(join(this.#directory, 'current'), 'utf8').trim() || DEFAULT_NAME;
    } catch {
      return DEFAULT_NAME;
    }
  }

  load(name = this.currentName()): StoredProfile {
    const file = this.#file(name, 'json');
    const written = this.#read(file, name);
    const parsed = profileSchema.safeParse(parseJson(written));
    if (!parsed.success) throw new Failure('CONFIG', say('cli.profileBroken', { file }));
    const keyFile = this.#file(name, 'key');
    checkOwnerOnly(keyFile);
    return { ...parsed.data, name, key: keyOf(this.#read(keyFile, name), keyFile) };
  }

  /** Stores a new profile and makes it the current one. */
  add(name: string, profile: Profile, key: SigningKey): void {
    this.checkFree(name);
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    // The key first: a profile is there when its .json is.
    writePrivate(this.#file(name, 'key'), `${JSON.stringify(exportSigningKey(key))}\n`);
    writePrivate(this.#file(name, 'json'), `${JSON.stringify(profile)}\n`);
    writePrivate(join(this.#directory, 'current'), `${name}\n`);
  }

  /** A profile is not overwritten: its key may be the only copy. */
  checkFree(name: string): void {
    if (statSync(this.#file(name, 'json'), { throwIfNoEntry: false }) !== undefined)
      throw new Failure('CONFIG', say('cli.profileExists', { name }));
  }

  remove(name = this.currentName()): string {
    this.#read(this.#file(name, 'json'), name);
    for (const kind of ['json', 'key'] as const) rmSync(this.#file(name, kind), { force: true });
    if (this.currentName() === name) rmSync(join(this.#directory, 'current'), { force: true });
    return name;
  }

  #file(name: string, kind: 'json' | 'key'): string {
    if (!NAME.test(name)) throw new Failure('CONFIG', say('cli.profileName', { name }));
    return join(this.#directory, `${name}.${kind}`);
  }

  #read(file: string, name: string): string {
    try {
      return readFileSync(file, 'utf8');
    } catch (cause) {
      throw new Failure('CONFIG', say('cli.profileAbsent', { name }), { cause });
    }
  }
}

/** Writes a file that only its owner may read, whole or not at all. Throws EEXIST when it may not replace one. */
export function writePrivate(file: string, text: string, { replace } = { replace: true }): void {
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  writeFileSync(draft, text, { mode: 0o600, flag: 'wx' });
  try {
    // link(2) fails where the name is taken; rename(2) would replace it.
    if (replace) renameSync(draft, file);
    else linkSync(draft, file);
  } finally {
    rmSync(draft, { force: true });
  }
}

function checkOwnerOnly(file: string): void {
  const found: Stats | undefined = statSync(file, { throwIfNoEntry: false });
  if (found !== undefined && (found.mode & OTHERS) !== 0)
    throw new Failure('CONFIG', say('cli.keyExposed', { file }));
}

function keyOf(text: string, file: string): SigningKey {
  try {
    return importSigningKey(JSON.parse(text));
  } catch (cause) {
    throw new Failure('CONFIG', say('cli.keyBroken', { file }), { cause });
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
