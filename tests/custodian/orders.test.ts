/** Orders: what a custodian answers, what it refuses, and that it answers once. */
import { describe, expect, test } from 'vitest';
import { generateSigningKey } from '#crypto/ed25519-key.ts';
import { openAttestation, type Order, OrderError, renderPlan, signOrder } from '#crypto/he/order.ts';
import { signCompact } from '#crypto/signing.ts';
import { CustodianBusyError } from '#gateway/custodian/custodian.ts';
import { noiseOfOrder } from '#sandbox/encrypted/order-noise.ts';
import { noiseText } from '#sandbox/release/noise.ts';
import {
  COUNT,
  MODULUS,
  NOW,
  type OrderChanges,
  outcomeOf,
  parseAnswer,
  PLAN,
  Scene,
  SHAPE,
  SUM_OF_COST,
} from './scene.ts';

const ISO = (offsetMs: number): string => new Date(NOW + offsetMs).toISOString();

describe('an order that holds', () => {
  test('gets one value per output, signed with what was added', async () => {
    await using scene = new Scene();
    const ciphertexts = scene.ciphertexts(4);
    const order = await scene.order(ciphertexts);
    const answer = parseAnswer(await scene.custodian.answer(order, Buffer.concat(ciphertexts)));
    expect(answer.values).toHaveLength(4);
    expect(answer.values.every((value) => value >= 0n && value < MODULUS)).toBe(true);
    const attested = await openAttestation(answer, { keys: [scene.key.publicJwk], orderJws: order });
    expect(attested).toMatchObject({
      mechanism: 'gaussian',
      noise: noiseOfOrder(PLAN, SHAPE).map(noiseText),
      release: { order: '1', values: '4' },
      log: { size: '2' },
    });
  });

  test('is attested for nothing else: other values, another order, another key', async () => {
    await using scene = new Scene();
    const ciphertexts = scene.ciphertexts(4);
    const [order, other] = [await scene.order(ciphertexts), await scene.order(ciphertexts)];
    const answer = parseAnswer(await scene.custodian.answer(order, Buffer.concat(ciphertexts)));
    const keys = [scene.key.publicJwk];
    const changed = { ...answer, values: answer.values.map((value) => value + 1n) };
    const calls = [
      openAttestation(changed, { keys, orderJws: order }),
      openAttestation(answer, { keys, orderJws: other }),
      openAttestation(answer, { keys: [scene.platform.publicJwk], orderJws: order }),
      openAttestation({ ...answer, attestation: order }, { keys, orderJws: order }),
    ];
    expect(await Promise.all(calls.map(outcomeOf))).toEqual(Array(4).fill('ATTESTATION_INVALID'));
  });

  test('numbers releases under a key, also across a restart', async () => {
    await using scene = new Scene();
    await scene.ask();
    await scene.ask();
    scene.restart();
    await scene.ask();
    expect(scene.custodian.uses.get('key-1')).toMatchObject({ orders: 3, values: 12, rhoNano: 6_000_000n });
  });
});

describe('an order that was asked before', () => {
  test('gets the same bytes, at once, later, expired and after a restart', async () => {
    await using scene = new Scene();
    const ciphertexts = scene.ciphertexts(4);
    const order = await scene.order(ciphertexts);
    const first = await scene.custodian.answer(order, Buffer.concat(ciphertexts));
    expect(await scene.custodian.answer(order, Buffer.concat(ciphertexts))).toBe(first);
    scene.restart();
    scene.now += 10_000_000;
    expect(await scene.custodian.answer(order, Buffer.concat(ciphertexts))).toBe(first);
    expect(scene.reader.seen).toHaveLength(4);
  });

  test('asked twenty times at once is decrypted once, and gives one draw', async () => {
    await using scene = new Scene();
    const ciphertexts = scene.ciphertexts(4);
    const order = await scene.order(ciphertexts);
    const release = Promise.withResolvers<void>();
    scene.reader.gate = release.promise;
    const calls = Array.from({ length: 20 }, () => scene.custodian.answer(order, Buffer.concat(ciphertexts)));
    release.resolve();
    expect(new Set(await Promise.all(calls)).size).toBe(1);
    expect(scene.reader.seen).toHaveLength(4);
    expect(scene.custodian.uses.get('key-1')?.orders).toBe(1);
  });

  test('under the same id with other contents is refused', async () => {
    await using scene = new Scene();
    const ciphertexts = scene.ciphertexts(4);
    const orderId = 'order-x';
    await scene.custodian.answer(await scene.order(ciphertexts, { orderId }), Buffer.concat(ciphertexts));
    const others = [scene.ciphertexts(4, [9n]), ciphertexts].map(async (given, at) =>
      scene.custodian.answer(
        await scene.order(given, { orderId, expiresAt: ISO(50_000 + at) }),
        Buffer.concat(given),
      ),
    );
    expect(await Promise.all(others.map(outcomeOf))).toEqual(['ORDER_ID_USED', 'ORDER_ID_USED']);
    expect(scene.reader.seen).toHaveLength(4);
  });

  test('and failed is spent, says so, and stays so', async () => {
    await using scene = new Scene();
    const broken = Array.from({ length: 4 }, () => Uint8Array.of(1, 2, 3));
    const order = await scene.order(broken);
    const ask = (): Promise<unknown> => outcomeOf(scene.custodian.answer(order, Buffer.concat(broken)));
    expect(await ask()).toBe('ORDER_SPENT');
    expect(await ask()).toBe('ORDER_SPENT');
    scene.restart();
    expect(await ask()).toBe('ORDER_SPENT');
    expect(scene.custodian.uses.get('key-1')).toMatchObject({ orders: 1, values: 4 });
  });
});

test('an order over a dataset under the key of another, which this custodian has too, is refused', async () => {
  const decryptors = new Map<string, Scene['reader']>();
  await using scene = new Scene({ decryptorOf: (keyId) => decryptors.get(keyId) ?? null });
  for (const keyId of ['key-1', 'key-2']) decryptors.set(keyId, scene.reader);
  const ciphertexts = scene.ciphertexts(4);
  const answer = async (keyId: string): Promise<unknown> =>
    outcomeOf(scene.custodian.answer(await scene.order(ciphertexts, { keyId }), Buffer.concat(ciphertexts)));
  expect(await answer('key-2')).toBe('KEY_UNKNOWN');
  expect(scene.reader.seen).toEqual([]);
  // The control: what is refused is the key, not the order.
  expect(await answer('key-1')).toContain('attestation');
});

/** What is wrong with an order, and the code it gets. */
const REFUSED: readonly (readonly [string, OrderChanges, string])[] = [
  ['for another custodian', { audience: 'someone-else' }, 'ORDER_AUDIENCE'],
  ['under another key', { keyId: 'key-2' }, 'KEY_UNKNOWN'],
  [
    'over a manifest that was not accepted',
    { manifestDigest: `sha256:${'0'.repeat(64)}` },
    'MANIFEST_UNKNOWN',
  ],
  ['expired', { issuedAt: ISO(-120_000), expiresAt: ISO(-30_001) }, 'ORDER_EXPIRED'],
  ['of tomorrow', { issuedAt: ISO(31_000), expiresAt: ISO(60_000) }, 'ORDER_EARLY'],
  ['good for too long', { expiresAt: ISO(600_000) }, 'ORDER_LIFETIME'],
  ['that ends before it begins', { issuedAt: ISO(0), expiresAt: ISO(-1) }, 'ORDER_LIFETIME'],
  ['for another purpose', { purpose: 'insurance' }, 'PURPOSE_FORBIDDEN'],
  ['for a wider purpose', { purpose: 'public_welfare' }, 'PURPOSE_FORBIDDEN'],
  ['for no purpose', { purpose: 'whatever' }, 'PURPOSE_FORBIDDEN'],
  ['with a plan in another spelling', { planText: ` ${renderPlan(PLAN)}` }, 'PLAN_MALFORMED'],
  ['with a plan that is none', { planText: '{' }, 'PLAN_MALFORMED'],
  ['with a field too many', { planText: renderPlan(PLAN).replace('{', '{"sigma":"1",') }, 'PLAN_MALFORMED'],
  ['with R below the manifest’s', { planned: { ...PLAN, rowsPerUnit: 2 } }, 'BOUNDS_TOO_NARROW'],
  ['for more cells than keys have', { planned: { ...PLAN, cells: 17, measures: [COUNT] } }, 'PLAN_MALFORMED'],
  [
    'for gaussian noise on a pure ledger',
    { planned: { ...PLAN, cost: { unit: 'epsilon', nano: '1' } } },
    'PLAN_MALFORMED',
  ],
  [
    'for more than an order may cost',
    { planned: { ...PLAN, cost: { unit: 'rho', nano: '900000000' } } },
    'LIMIT_ORDER',
  ],
  [
    'for more than an order may cost, pure',
    { planned: { ...PLAN, mechanism: 'laplace', cost: { unit: 'epsilon', nano: '1000000001' } } },
    'LIMIT_ORDER',
  ],
  [
    'for so little that noise wraps around',
    { planned: { ...PLAN, mechanism: 'laplace', cost: { unit: 'epsilon', nano: '1' } } },
    'RANGE_TOO_WIDE',
  ],
  [
    'with bounds below the manifest’s',
    { planned: { ...PLAN, measures: [{ ...SUM_OF_COST, highGrid: '999' }, COUNT] } },
    'BOUNDS_TOO_NARROW',
  ],
  [
    'with a count that is said to add less than one',
    { planned: { ...PLAN, measures: [SUM_OF_COST, { ...COUNT, highGrid: '0' }] } },
    'BOUNDS_TOO_NARROW',
  ],
  [
    'of a column that the dataset has not',
    {
      planned: {
        ...PLAN,
        measures: [{ ...SUM_OF_COST, terms: [{ weight: '1', factors: ['wage'] }] }, COUNT],
      },
    },
    'PLAN_MALFORMED',
  ],
  [
    'for a circuit by another name',
    { planned: { ...PLAN, measures: [{ ...SUM_OF_COST, circuit: 'count' }, COUNT] } },
    'PLAN_MALFORMED',
  ],
];

test.for(REFUSED)(
  'an order %s is refused before anything is decrypted or spent',
  async ([, changes, code]) => {
    await using scene = new Scene();
    expect(await outcomeOf(scene.ask(changes))).toBe(code);
    expect(scene.reader.seen).toEqual([]);
    expect(scene.custodian.uses.size).toBe(0);
    // And for no other reason: the same, unchanged, holds.
    await scene.ask();
  },
);

test('an order over other ciphertexts than it names is refused', async () => {
  await using scene = new Scene();
  const ciphertexts = scene.ciphertexts(4);
  const other = [...ciphertexts.slice(0, 3), ...scene.ciphertexts(1, [7n])];
  for (const given of [other, ciphertexts.slice(0, 3), [...ciphertexts, ...ciphertexts], []])
    expect(
      await outcomeOf(scene.custodian.answer(await scene.order(ciphertexts), Buffer.concat(given))),
    ).toBe('CIPHERTEXT_MISMATCH');
});

test('circuits are allowed by name', async () => {
  await using scene = new Scene({}, { circuits: ['count'] });
  expect(await outcomeOf(scene.ask())).toBe('CIRCUIT_FORBIDDEN');
  expect((await scene.ask({ planned: { ...PLAN, measures: [COUNT] } })).values).toHaveLength(2);
});

describe('limits per key', () => {
  const perKey = { epsilon: 1_000, delta: 1e-6, orders: 100, releases: 1_000 };
  test.for([
    ['orders', { ...perKey, orders: 1 }],
    ['released values', { ...perKey, releases: 7 }],
    ['privacy loss', { ...perKey, epsilon: 0.3 }],
  ] as const)('of %s hold across a restart', async ([, limit]) => {
    await using scene = new Scene(
      {},
      { limits: { perOrder: { epsilon: 1, delta: 1e-6, outputs: 64 }, perKey: limit } },
    );
    await scene.ask();
    expect(await outcomeOf(scene.ask())).toBe('LIMIT_KEY');
    scene.restart();
    expect(await outcomeOf(scene.ask())).toBe('LIMIT_KEY');
  });
});

describe('what is signed', () => {
  /** Every leaf of a payload, and what it becomes. */
  function mutations(
    value: unknown,
    path: readonly (string | number)[] = [],
  ): (readonly (string | number)[])[] {
    if (typeof value !== 'object' || value === null) return [path];
    return Object.entries(value).flatMap(([name, member]) => mutations(member, [...path, name]));
  }

  function mutated(order: object, path: readonly (string | number)[]): object {
    const copy = structuredClone(order) as Record<string | number, unknown>;
    let at = copy;
    for (const part of path.slice(0, -1)) at = at[part] as Record<string | number, unknown>;
    const last = path.at(-1)!;
    const leaf = at[last];
    at[last] = typeof leaf === 'number' ? leaf + 1 : `${String(leaf).slice(0, -1)}~`;
    return copy;
  }

  test('is all of it: an order with any field changed is refused, under the old signature and under a new one', async () => {
    await using scene = new Scene();
    const ciphertexts = scene.ciphertexts(4);
    const order = scene.orderFor(ciphertexts);
    const jws = await signOrder(order, scene.platform);
    const [head, , signature] = jws.split('.');
    const payload = JSON.parse(Buffer.from(jws.split('.')[1]!, 'base64url').toString()) as object;
    const paths = mutations(payload);
    expect(paths.length).toBeGreaterThan(20);
    for (const path of paths) {
      const forged = Buffer.from(JSON.stringify(mutated(payload, path))).toString('base64url');
      const call = scene.custodian.answer([head, forged, signature].join('.'), Buffer.concat(ciphertexts));
      expect([path, await outcomeOf(call)]).toEqual([path, 'ORDER_NOT_SIGNED']);
      // Signed again by the platform itself, what cannot be meant is still refused; free texts may change.
      const free = ['orderId', 'planDigest'].includes(String(path[0]));
      if (free) continue;
      const resigned = await signCompact(mutated(payload, path), scene.platform, { typ: 'unseen-order+jwt' });
      const error = await scene.custodian
        .answer(resigned, Buffer.concat(ciphertexts))
        .catch((thrown: unknown) => thrown);
      expect([path, error instanceof OrderError]).toEqual([path, true]);
    }
    expect(scene.reader.seen).toEqual([]);
  });

  test('by another key, as another type, or not at all is no order', async () => {
    await using scene = new Scene();
    const ciphertexts = scene.ciphertexts(4);
    const order = scene.orderFor(ciphertexts);
    const texts = [
      await signOrder(order, generateSigningKey()),
      await signOrder(order, scene.key),
      await signCompact({ version: '1', ...order }, scene.platform, { typ: 'unseen-receipt+jwt' }),
      await signCompact({ version: '1', ...order }, generateSigningKey(), {
        typ: 'unseen-order+jwt',
        embedKey: true,
      }),
      (await signOrder(order, scene.platform)).replace(/\.[^.]*$/, '.'),
      'not.a.jws',
      '',
    ];
    for (const text of texts)
      expect(await outcomeOf(scene.custodian.answer(text, Buffer.concat(ciphertexts)))).toBe(
        'ORDER_NOT_SIGNED',
      );
  });
});

test('beyond its concurrency a custodian is busy, and spends nothing', async () => {
  await using scene = new Scene({}, { concurrency: 1 });
  const release = Promise.withResolvers<void>();
  scene.reader.gate = release.promise;
  const asked = Promise.allSettled([scene.ask(), scene.ask()]);
  // Whichever of the two is signed first begins; the other is turned away at once.
  await expect.poll(() => scene.custodian.uses.get('key-1')?.orders).toBe(1);
  release.resolve();
  const outcomes = await asked;
  const turnedAway = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
  expect(turnedAway).toEqual([expect.any(CustodianBusyError)]);
  expect(scene.custodian.uses.get('key-1')?.orders).toBe(1);
});

test('an order’s fields are checked where it is made as well', () => {
  expect(() => renderPlan({ ...PLAN, cells: 0 })).toThrow(RangeError);
  expect(() => signOrder({ orderId: '' } as Order, generateSigningKey())).toThrow(RangeError);
});
