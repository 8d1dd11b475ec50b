/** What every key-management adapter promises, as one suite of tests that each adapter is put through. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { KmsAdapter, KmsCode, WrappedKey } from '#crypto/kms/adapter.ts';
import { KmsError } from '#crypto/kms/adapter.ts';

/** A service with its state, which outlives any adapter over it. */
export interface KmsWorld {
  /** A new adapter, as after a restart. */
  open(): KmsAdapter;
  end(): Promise<void>;
}

export interface ContractOptions {
  readonly world: () => Promise<KmsWorld>;
  /** What a destroyed key is to this service, which may forget it. */
  readonly destroyed: KmsCode;
  /** What wraps; AES-256-GCM when absent. */
  readonly algorithm?: string;
}

const CONTEXT = { dataset: 'visits', version: '3' };
const OTHERS = [
  { dataset: 'visits', version: '4' },
  { dataset: 'visits' },
  { dataset: 'visits', version: '3', more: '' },
  { datase: 'tvisits', version: '3' },
];

/** The code of the error that a promise ends with, or what it gives. */
export async function codeOf(work: Promise<unknown>): Promise<unknown> {
  try {
    return await work;
  } catch (error) {
    // Nothing but the code: no text of a service, no key.
    if (!(error instanceof KmsError) || error.message !== error.code) throw error;
    return error.code;
  }
}

export function kmsContract(
  name: string,
  { world: makeWorld, destroyed, algorithm: wraps = 'AES-256-GCM' }: ContractOptions,
): void {
  describe(`${name} keeps the contract of key management`, () => {
    let world: KmsWorld;
    let kms: KmsAdapter;

    beforeEach(async () => {
      world = await makeWorld();
      kms = world.open();
    });

    afterEach(async () => {
      await kms.close();
      await world.end();
    });

    const reopen = async (): Promise<void> => {
      await kms.close();
      kms = world.open();
    };

    test('a data key is unwrapped as it was generated, also by another adapter later', async () => {
      await kms.createKey('visits-3');
      for (const bytes of [16, 32] as const) {
        const { plaintext, wrapped } = await kms.generateDataKey('visits-3', CONTEXT, bytes);
        expect(plaintext.length).toBe(bytes);
        expect(wrapped).toMatchObject({ keyId: 'visits-3', version: 1 });
        expect(Buffer.from(await kms.unwrap(wrapped, CONTEXT))).toEqual(Buffer.from(plaintext));
        await reopen();
        expect(Buffer.from(await kms.unwrap(wrapped, CONTEXT))).toEqual(Buffer.from(plaintext));
        expect(JSON.stringify(wrapped)).not.toContain(Buffer.from(plaintext).toString('base64').slice(0, 16));
      }
    });

    test('what is wrapped by hand comes back, 16 to 64 bytes and nothing else', async () => {
      await kms.createKey('k');
      for (const bytes of [16, 33, 64]) {
        const dataKey = Buffer.alloc(bytes, 7);
        expect(Buffer.from(await kms.unwrap(await kms.wrap('k', dataKey, CONTEXT), CONTEXT))).toEqual(
          dataKey,
        );
      }
      for (const bytes of [0, 15, 65]) {
        expect(await codeOf(kms.wrap('k', Buffer.alloc(bytes), CONTEXT))).toBe('DATA_KEY_LENGTH');
      }
    });

    test('two wraps of one key are not the same text', async () => {
      await kms.createKey('k');
      const [one, two] = [
        await kms.wrap('k', Buffer.alloc(32), CONTEXT),
        await kms.wrap('k', Buffer.alloc(32), CONTEXT),
      ];
      expect(one.ciphertext).not.toBe(two.ciphertext);
    });

    test.for(OTHERS)('refuses the context %j', async (context) => {
      await kms.createKey('k');
      const { wrapped } = await kms.generateDataKey('k', CONTEXT, 32);
      expect(await codeOf(kms.unwrap(wrapped, context))).toBe('WRAPPED_REFUSED');
      expect(await codeOf(kms.rewrap(wrapped, context))).toBe('WRAPPED_REFUSED');
      // The order of names means nothing.
      expect(await kms.unwrap(wrapped, { version: '3', dataset: 'visits' })).toHaveLength(32);
    });

    test('refuses no context, and one outside its rules', async () => {
      await kms.createKey('k');
      const { wrapped } = await kms.generateDataKey('k', CONTEXT, 32);
      for (const context of [
        {},
        { 'a b': 'c' },
        { a: '\ud800' },
        { a: 'x'.repeat(257) },
        null,
        [],
        { a: 1 },
      ]) {
        expect(await codeOf(kms.unwrap(wrapped, context as never))).toBe('CONTEXT_INVALID');
        expect(await codeOf(kms.wrap('k', Buffer.alloc(32), context as never))).toBe('CONTEXT_INVALID');
        expect(await codeOf(kms.generateDataKey('k', context as never, 32))).toBe('CONTEXT_INVALID');
      }
    });

    test('a key does not open what another wrapped, whatever the label says', async () => {
      await kms.createKey('one');
      await kms.createKey('two');
      const { wrapped } = await kms.generateDataKey('one', CONTEXT, 32);
      expect(await codeOf(kms.unwrap({ ...wrapped, keyId: 'two' }, CONTEXT))).toBe('WRAPPED_REFUSED');
    });

    test('refuses every altered character of a wrapped key', async () => {
      await kms.createKey('k');
      const { wrapped } = await kms.generateDataKey('k', CONTEXT, 16);
      for (let at = 0; at < wrapped.ciphertext.length; at += 1) {
        const other = wrapped.ciphertext[at] === 'A' ? 'B' : 'A';
        const ciphertext = wrapped.ciphertext.slice(0, at) + other + wrapped.ciphertext.slice(at + 1);
        expect(await codeOf(kms.unwrap({ ...wrapped, ciphertext }, CONTEXT))).toMatch(/^WRAPPED_/);
      }
      for (const ciphertext of ['', ' ', 'x', wrapped.ciphertext.slice(0, -8), `${wrapped.ciphertext}AAAA`]) {
        expect(await codeOf(kms.unwrap({ ...wrapped, ciphertext }, CONTEXT))).toMatch(/^WRAPPED_/);
      }
      for (const version of [0, -1, 2, 1.5, Number.NaN]) {
        expect(await codeOf(kms.unwrap({ ...wrapped, version }, CONTEXT))).toMatch(/^WRAPPED_/);
      }
    });

    test.for(['', 'A', '../keys', 'a/b', 'a b', 'a%2fb', '-a', 'a?x', 'é', 'a'.repeat(65)])(
      'refuses the key id %j before anything is asked',
      async (id) => {
        const wrapped: WrappedKey = { keyId: id, version: 1, ciphertext: 'vault:v1:AAAA' };
        for (const work of [
          () => kms.createKey(id),
          () => kms.describe(id),
          () => kms.generateDataKey(id, CONTEXT, 32),
          () => kms.unwrap(wrapped, CONTEXT),
          () => kms.rotate(id),
          () => kms.destroy(id),
        ]) {
          expect(await codeOf(work())).toBe('KEY_ID_INVALID');
        }
      },
    );

    test('knows no key that was not made, and makes none by being used', async () => {
      expect(await kms.list()).toEqual([]);
      for (const work of [
        () => kms.describe('k'),
        () => kms.wrap('k', Buffer.alloc(32), CONTEXT),
        () => kms.generateDataKey('k', CONTEXT, 32),
        () => kms.rotate('k'),
        () => kms.disable('k'),
        () => kms.enable('k'),
        () => kms.destroyBefore('k', 1),
        () => kms.destroy('k'),
      ]) {
        expect(await codeOf(work())).toBe('KEY_UNKNOWN');
      }
      expect(await kms.list()).toEqual([]);
    });

    test('makes a key once, and lists keys in order', async () => {
      for (const id of ['b', 'a', 'c_1', 'c-0']) await kms.createKey(id);
      expect(await codeOf(kms.createKey('a'))).toBe('KEY_EXISTS');
      expect(await kms.list()).toEqual(['a', 'b', 'c-0', 'c_1']);
      const { state, latestVersion, algorithm, versions } = await kms.describe('a');
      expect({ state, latestVersion, algorithm }).toEqual({
        state: 'active',
        latestVersion: 1,
        algorithm: wraps,
      });
      expect(versions).toMatchObject([{ version: 1, state: 'active' }]);
    });

    test('after a rotation old wraps open, new ones are of the new version, and rewrap brings old ones over', async () => {
      await kms.createKey('k');
      const { plaintext, wrapped } = await kms.generateDataKey('k', CONTEXT, 32);
      const rotated = await kms.rotate('k');
      expect(rotated.versions.map(({ state }) => state)).toEqual(['decrypt-only', 'active']);
      expect(Buffer.from(await kms.unwrap(wrapped, CONTEXT))).toEqual(Buffer.from(plaintext));
      const brought = await kms.rewrap(wrapped, CONTEXT);
      expect(brought.version).toBe(2);
      expect((await kms.generateDataKey('k', CONTEXT, 16)).wrapped.version).toBe(2);
      const record = await kms.destroyBefore('k', 2);
      expect(record).toMatchObject({
        type: 'unseen-key-destruction',
        keyId: 'k',
        versions: [{ version: 1 }],
      });
      for (const again of [false, true]) {
        if (again) await reopen();
        expect(await codeOf(kms.unwrap(wrapped, CONTEXT))).toBe('KEY_DESTROYED');
        expect(await codeOf(kms.rewrap(wrapped, CONTEXT))).toBe('KEY_DESTROYED');
        expect(Buffer.from(await kms.unwrap(brought, CONTEXT))).toEqual(Buffer.from(plaintext));
        expect((await kms.describe('k')).versions.map(({ state }) => state)).toEqual(['destroyed', 'active']);
      }
      expect((await kms.destroyBefore('k', 2)).versions).toEqual([]);
      for (const version of [0, 3, 1.5]) {
        expect(await codeOf(kms.destroyBefore('k', version))).toBe('VERSION_INVALID');
      }
    });

    test('a disabled key does nothing until it is enabled, also after a restart', async () => {
      await kms.createKey('k');
      const { wrapped } = await kms.generateDataKey('k', CONTEXT, 32);
      await kms.rotate('k');
      expect((await kms.disable('k')).state).toBe('disabled');
      expect((await kms.disable('k')).state).toBe('disabled');
      for (const again of [false, true]) {
        if (again) await reopen();
        for (const work of [
          () => kms.unwrap(wrapped, CONTEXT),
          () => kms.rewrap(wrapped, CONTEXT),
          () => kms.wrap('k', Buffer.alloc(32), CONTEXT),
          () => kms.generateDataKey('k', CONTEXT, 32),
          () => kms.rotate('k'),
        ]) {
          expect(await codeOf(work())).toBe('KEY_DISABLED');
        }
      }
      expect((await kms.enable('k')).state).toBe('active');
      expect(await kms.unwrap(wrapped, CONTEXT)).toHaveLength(32);
      expect((await kms.rewrap(wrapped, CONTEXT)).version).toBeGreaterThan(1);
    });

    test('a destroyed key opens nothing for ever, and no key of its name does', async () => {
      await kms.createKey('k');
      await kms.createKey('other');
      const { wrapped } = await kms.generateDataKey('k', CONTEXT, 32);
      await kms.rotate('k');
      await kms.disable('k');
      const record = await kms.destroy('k');
      expect(record.versions.map(({ version }) => version).slice(0, 2)).toEqual([1, 2]);
      expect(record).toMatchObject({
        keyId: 'k',
        adapter: kms.kind,
        destroyedAt: '2026-11-21T12:00:00.000Z',
      });
      for (const again of [false, true]) {
        if (again) await reopen();
        expect(await codeOf(kms.unwrap(wrapped, CONTEXT))).toBe(destroyed);
        expect(await codeOf(kms.rewrap(wrapped, CONTEXT))).toBe(destroyed);
        expect(await codeOf(kms.wrap('k', Buffer.alloc(32), CONTEXT))).toBe(destroyed);
        expect(await codeOf(kms.enable('k'))).toBe(destroyed);
        expect(await codeOf(kms.rotate('k'))).toBe(destroyed);
        expect(await codeOf(kms.destroy('k'))).toBe(destroyed);
      }
      await codeOf(kms.createKey('k'));
      expect(await codeOf(kms.unwrap(wrapped, CONTEXT))).toMatch(/^(KEY_DESTROYED|WRAPPED_REFUSED)$/);
      expect((await kms.generateDataKey('other', CONTEXT, 32)).wrapped.keyId).toBe('other');
    });

    test('what one adapter destroys or disables, another over the same service no longer opens', async () => {
      await kms.createKey('k');
      const { wrapped } = await kms.generateDataKey('k', CONTEXT, 32);
      const second = world.open();
      expect(await second.unwrap(wrapped, CONTEXT)).toHaveLength(32);
      await kms.disable('k');
      expect(await codeOf(second.unwrap(wrapped, CONTEXT))).toBe('KEY_DISABLED');
      await second.enable('k');
      expect(await kms.unwrap(wrapped, CONTEXT)).toHaveLength(32);
      await kms.destroy('k');
      expect(await codeOf(second.unwrap(wrapped, CONTEXT))).toBe(destroyed);
      await second.close();
    });

    test('forty calls at once all do what one does', async () => {
      await kms.createKey('k');
      const changes = Array.from({ length: 10 }, (_, at) => kms.createKey(`k${at}`));
      const keys = Array.from({ length: 20 }, () => kms.generateDataKey('k', CONTEXT, 32));
      const rotations = Array.from({ length: 10 }, () => kms.rotate('k'));
      await Promise.all([...changes, ...rotations]);
      for (const { plaintext, wrapped } of await Promise.all(keys)) {
        expect(Buffer.from(await kms.unwrap(wrapped, CONTEXT))).toEqual(Buffer.from(plaintext));
      }
      expect((await kms.describe('k')).latestVersion).toBe(11);
      expect(await kms.list()).toHaveLength(11);
    });

    test('is well when it is, and refuses everything once closed', async () => {
      expect(await kms.health()).toEqual({ ok: true, code: null });
      await kms.createKey('k');
      const { wrapped } = await kms.generateDataKey('k', CONTEXT, 32);
      await kms.close();
      expect(await kms.health()).toEqual({ ok: false, code: 'CLOSED' });
      expect(await codeOf(kms.unwrap(wrapped, CONTEXT))).toBe('CLOSED');
      expect(await codeOf(kms.createKey('k2'))).toBe('CLOSED');
    });
  });
}
