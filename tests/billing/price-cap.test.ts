/** Rate cards against caps and against each other: what may be approved, by pure rules. */
import { describe, expect, test } from 'vitest';
import {
  bindsCard,
  findCapBreach,
  findPriceCapFaults,
  parsePriceCap,
  type PriceCap,
  projectedFen,
} from '#gateway/billing/price-cap.ts';
import {
  findCapFault,
  findRegimeFault,
  findStateFault,
  findSubjectFault,
  priceStateLabel,
  type Standing,
} from '#gateway/billing/price-rules.ts';
import { parseRateCard, type RateCard } from '#gateway/billing/rate-card.ts';
import { regimeOf } from '#gateway/billing/regime.ts';
import { render } from '#policies/words.ts';
import { capFile, cardFile } from '#tests/support/price-files.ts';

const cap = (changes: object = {}): PriceCap => parsePriceCap(capFile(changes));
const card = (changes: object = {}): RateCard => parseRateCard(cardFile(changes));
const charging = (...charges: readonly object[]): RateCard => card({ charges });

/** A wording in force between two dates. */
function standing<
  Body extends {
    readonly kind: string;
    readonly id: string;
    readonly from: string;
    readonly to: string | null;
  },
>(body: Body, revision = 1): Standing<Body> {
  const to = body.to === null ? null : new Date(body.to);
  return { name: `${body.kind}/${body.id}/${revision}`, id: body.id, body, from: new Date(body.from), to };
}

describe('a price against a cap of 0.005 yuan a call', () => {
  test.for([
    ['below it', { basis: 'calls', model: 'unit', unitPrice: '0.004', per: '1' }, false],
    [
      'exactly at it, for a thousand calls',
      { basis: 'calls', model: 'unit', unitPrice: '5', per: '1000' },
      false,
    ],
    [
      'a billionth of a yuan above it',
      { basis: 'calls', model: 'unit', unitPrice: '5.000000001', per: '1000' },
      true,
    ],
    [
      'above it in its dearest tier only',
      {
        basis: 'calls',
        model: 'graduated',
        per: '1',
        tiers: [
          { upTo: '10', unitPrice: '0.006' },
          { upTo: null, unitPrice: '0.001' },
        ],
      },
      true,
    ],
    ['a package at it', { basis: 'calls', model: 'package', size: '1000', unitPrice: '5.00' }, false],
    ['a package above it', { basis: 'calls', model: 'package', size: '999', unitPrice: '5.00' }, true],
    ['nothing, for a quantity without a cap', { basis: 'rows', model: 'zero' }, false],
  ] as const)('%s', ([, charge, isAbove]) => {
    expect(findCapBreach(charging(charge), cap()) !== null).toBe(isAbove);
  });

  test('charging by a quantity without a cap is no way around it', () => {
    expect(
      findCapBreach(charging({ basis: 'rows', model: 'unit', unitPrice: '0.000000001', per: '1' }), cap()),
    ).toMatchObject({
      basis: 'rows',
      most: null,
    });
  });

  test('a price without its tax is compared with the tax on it', () => {
    const charges = [{ basis: 'calls', model: 'unit', unitPrice: '0.0049', per: '1' }];
    const exclusive = card({ charges, tax: { rateBasisPoints: 600, inclusive: false } });
    expect(findCapBreach(exclusive, cap())).not.toBeNull();
    expect(findCapBreach(card({ charges }), cap())).toBeNull();
    expect(findCapBreach(exclusive, cap({ taxInclusive: false }))).toBeNull();
  });

  test('control: prices in binary fractions call a price at the cap dearer', () => {
    const asFloats = (price: string, per: string, times: number): boolean =>
      (Number(price) / Number(per)) * times > 0.3;
    const charges = [{ basis: 'calls', model: 'unit', unitPrice: '0.1', per: '1' }];
    const taxed = card({ charges, tax: { rateBasisPoints: 10_000, inclusive: false } });
    const caps = [{ basis: 'calls', maxUnitPrice: '0.2', per: '1', projectedPerYear: '1' }];
    expect(findCapBreach(taxed, cap({ caps }))).toBeNull();
    expect(asFloats('0.1', '1', 3)).toBe(true);
  });
});

test('a cap binds the same data and fee, in a scene that both are about', () => {
  expect(bindsCard(cap(), card({ scene: 'triage' }))).toBe(true);
  expect(bindsCard(cap({ scene: 'triage' }), card())).toBe(true);
  expect(bindsCard(cap({ scene: 'triage' }), card({ scene: 'transport' }))).toBe(false);
  expect(bindsCard(cap(), card({ feeType: 'technical_service' }))).toBe(false);
  expect(bindsCard(cap(), card({ applies: { product: 'visits' } }))).toBe(false);
});

test('what caps would bring is exact, and rounded up to the fen', () => {
  expect(projectedFen([cap()])).toBe(2_000_000n);
  const tiny = { basis: 'calls', maxUnitPrice: '0.000000001', per: '1000000000000', projectedPerYear: '1' };
  expect(projectedFen([cap(), cap({ caps: [tiny] })])).toBe(2_000_001n);
});

test('a cap names the quantity that it caps twice as a fault', () => {
  const caps = [1, 2].map(() => ({ basis: 'calls', maxUnitPrice: '1', per: '1', projectedPerYear: '1' }));
  expect(findPriceCapFaults(capFile({ caps })).map(({ args }) => args['field'])).toEqual(['caps[1].basis']);
});

describe('a card on the days of a cap', () => {
  test('above a cap in force anywhere in its dates it is refused, with cap and price', () => {
    const dear = standing(charging({ basis: 'calls', model: 'unit', unitPrice: '0.006', per: '1' }));
    const later = standing(cap({ from: '2028-01-01T00:00:00+08:00' }));
    const sentence = findCapFault(dear, [later]);
    expect(sentence?.id).toBe('price.cap.above');
    expect(sentence === null ? '' : render(sentence, 'en')).toMatch(/0\.006.*PriceCap\/PC-visits\/1.*0\.005/);
    const ended = standing(cap({ from: '2026-01-01T00:00:00+08:00', to: '2027-01-01T00:00:00+08:00' }));
    expect(findCapFault(dear, [ended])).toBeNull();
  });

  test('a formal price needs a cap from its first day to its last', () => {
    const formal = standing(card({ state: 'formal' }));
    const until = (from: string, to: string | null) => standing(cap({ from: `${from}T00:00:00+08:00`, to }));
    const first = until('2027-01-01', '2028-01-01T00:00:00+08:00');
    expect(findCapFault(formal, [])?.id).toBe('price.cap.none');
    expect(findCapFault(formal, [first])?.args['from']).toBe('2027-12-31T16:00:00.000Z');
    expect(findCapFault(formal, [first, until('2028-02-01', null)])?.args['from']).toBe(
      '2027-12-31T16:00:00.000Z',
    );
    expect(findCapFault(formal, [until('2028-01-01', null), first])).toBeNull();
    expect(findCapFault(standing(card()), [])).toBeNull();
  });
});

describe('the state of a price', () => {
  const at = (state: string, from: string, id = 'RC-visits') =>
    standing(card({ id, state, from: `${from}T00:00:00+08:00` }));
  const trial = at('trial', '2027-01-01');

  test('a first price is on trial', () => {
    expect(findStateFault(at('trial', '2027-01-01'), [])).toBeNull();
    expect(findStateFault(at('formal', '2027-01-01'), [])?.id).toBe('price.state.first');
  });

  test('goes one step at a time and never back', () => {
    const applied = at('applied', '2027-06-01', 'RC-2');
    expect(findStateFault(at('applied', '2027-06-01', 'RC-2'), [trial])).toBeNull();
    expect(findStateFault(at('assessed', '2027-06-01', 'RC-2'), [trial])?.id).toBe('price.state.skipped');
    expect(findStateFault(at('trial', '2027-09-01', 'RC-3'), [trial, applied])?.id).toBe(
      'price.state.backward',
    );
  });

  test('is formal after a full operating year since the first trial, and not a day before', () => {
    const before = [trial, at('applied', '2027-06-01', 'RC-2'), at('assessed', '2027-09-01', 'RC-3')];
    expect(findStateFault(at('formal', '2027-12-31', 'RC-4'), before)?.id).toBe('price.state.year');
    expect(findStateFault(at('formal', '2028-01-01', 'RC-4'), before)).toBeNull();
  });

  test('of other data is another matter, and so is a market price', () => {
    const other = standing(card({ id: 'RC-9', applies: { dataset: 'beds' }, state: 'trial' }));
    expect(findStateFault(at('applied', '2027-06-01'), [other])?.id).toBe('price.state.first');
    expect(findStateFault(standing(card({ priceSource: 'market', state: 'formal' })), [])).toBeNull();
  });

  test('is printed: a price is on trial until it is formal', () => {
    expect(render(priceStateLabel('trial'), 'zh')).toBe('试行价格');
    expect(render(priceStateLabel('assessed'), 'en')).toContain('trial');
    expect(render(priceStateLabel('formal'), 'en')).toBe('formal price');
  });
});

describe('same conditions, same price', () => {
  const first = standing(card({ to: '2028-01-01T00:00:00+08:00' }));

  test('a second card for the same on the same days is refused', () => {
    const second = standing(card({ id: 'RC-2', from: '2027-12-31T00:00:00+08:00' }));
    expect(findSubjectFault(second, [first], 'price.card.overlap')?.args).toMatchObject({
      other: 'RateCard/RC-visits/1',
      to: '2027-12-31T16:00:00.000Z',
    });
  });

  test('one that begins when the first ends, or is about another scene or fee, is not', () => {
    const changes = [
      { from: '2028-01-01T00:00:00+08:00' },
      { scene: 'triage' },
      { feeType: 'technical_service' },
    ];
    for (const change of changes)
      expect(
        findSubjectFault(standing(card({ id: 'RC-2', ...change })), [first], 'price.card.overlap'),
      ).toBeNull();
  });

  test('a new wording stays with its data, scene and fee', () => {
    const moved = standing(card({ scene: 'triage', from: '2028-01-01T00:00:00+08:00' }), 2);
    expect(findSubjectFault(moved, [first], 'price.card.overlap')?.id).toBe('price.card.target');
  });
});

describe('the regime of a price', () => {
  test.for([
    ['public', 'industry', 'operation', 'guided'],
    ['public', 'industry', 'exchange', 'guided'],
    ['public', 'governance_welfare', 'operation', 'free'],
    ['public', 'industry', 'open', 'free'],
    ['enterprise', 'industry', 'open', 'free'],
    ['enterprise', 'industry', 'operation', 'market'],
    ['enterprise', 'governance_welfare', 'operation', 'market'],
    ['personal', 'industry', 'exchange', 'market'],
  ] as const)('%s data for %s by the %s channel: %s', ([origin, purposeClass, channel, regime]) => {
    expect(regimeOf(origin, purposeClass, channel)).toBe(regime);
  });

  test('public data has a guided price and other data has none', () => {
    const guided = standing(card());
    const market = standing(card({ priceSource: 'market', guidanceDocument: null }));
    const data = (...origins: readonly ('public' | 'enterprise')[]) => ({ name: 'visits', origins });
    expect(findRegimeFault(guided, data('public'))).toBeNull();
    expect(findRegimeFault(market, data('public'))?.id).toBe('price.card.guided');
    expect(findRegimeFault(guided, data('enterprise'))?.id).toBe('price.card.market');
    expect(findRegimeFault(market, data('enterprise'))).toBeNull();
    expect(findRegimeFault(market, data('enterprise', 'public'))?.id).toBe('price.card.guided');
    expect(findRegimeFault(guided, data())?.id).toBe('price.card.unknownData');
  });
});
