/** Amounts of money in words: the examples of the regulation, and that no two amounts are written alike. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { amountInChinese, amountInEnglish, yuan, yuanOfNano } from '#gateway/billing/amount-in-words.ts';

/** 支付结算办法 附件一, 正确填写票据和结算凭证的基本规定, 第二、三条; where it allows two ways, the first. */
test.for([
  ['1409.50', '人民币壹仟肆佰零玖元伍角'],
  ['6007.14', '人民币陆仟零柒元壹角肆分'],
  ['1680.32', '人民币壹仟陆佰捌拾元零叁角贰分'],
  ['107000.53', '人民币壹拾万柒仟元零伍角叁分'],
  ['16409.02', '人民币壹万陆仟肆佰零玖元零贰分'],
  ['325.04', '人民币叁佰贰拾伍元零肆分'],
] as const)('the regulation writes %s as %s', ([figures, words]) => {
  expect(amountInChinese(BigInt(figures.replace('.', '')))).toBe(words);
});

test.for([
  [0n, '人民币零元整', 'Renminbi zero yuan'],
  [1n, '人民币壹分', 'Renminbi zero yuan and one fen'],
  [10n, '人民币壹角', 'Renminbi zero yuan and ten fen'],
  [32n, '人民币叁角贰分', 'Renminbi zero yuan and thirty-two fen'],
  [100n, '人民币壹元整', 'Renminbi one yuan'],
  [1000n, '人民币壹拾元整', 'Renminbi ten yuan'],
  [1005n, '人民币壹拾元零伍分', 'Renminbi ten yuan and five fen'],
  [
    -123456n,
    '人民币负壹仟贰佰叁拾肆元伍角陆分',
    'Renminbi minus one thousand two hundred and thirty-four yuan and fifty-six fen',
  ],
  [10_000_000n, '人民币壹拾万元整', 'Renminbi one hundred thousand yuan'],
  [10_000_500_00n, '人民币壹仟万零伍佰元整', 'Renminbi ten million five hundred yuan'],
  [100_010_001_00n, '人民币壹亿零壹万零壹元整', 'Renminbi one hundred million ten thousand and one yuan'],
  [100_000_000_00n, '人民币壹亿元整', 'Renminbi one hundred million yuan'],
  [100_000_001_00n, '人民币壹亿零壹元整', 'Renminbi one hundred million and one yuan'],
  [120_000_000_00n, '人民币壹亿贰仟万元整', 'Renminbi one hundred and twenty million yuan'],
  [10n ** 14n, '人民币壹万亿元整', 'Renminbi one trillion yuan'],
  [10n ** 18n + 5_000_000_00n, '人民币壹亿亿零伍佰万元整', 'Renminbi ten quadrillion five million yuan'],
] as const)('%s fen in both languages', ([fen, chinese, english]) => {
  expect(amountInChinese(fen)).toBe(chinese);
  expect(amountInEnglish(fen)).toBe(english);
});

const VALUES: Readonly<Record<string, bigint>> = Object.fromEntries(
  Array.from('零壹贰叁肆伍陆柒捌玖', (name, value) => [name, BigInt(value)]),
);

/** Reads an amount back, independently of how it was written. */
function fenOf(words: string): bigint {
  const [, sign, whole = '', change = ''] = /^人民币(负?)(?:(.*)元)?(.*)$/.exec(words) ?? [];
  const place = (name: string): bigint => VALUES[new RegExp(`(.)${name}`).exec(change)?.[1] ?? '零'] ?? 0n;
  const size = numberOf(whole) * 100n + place('角') * 10n + place('分');
  return sign === '负' ? -size : size;
}

function numberOf(words: string): bigint {
  for (const [name, size] of [
    ['亿', 10n ** 8n],
    ['万', 10n ** 4n],
  ] as const) {
    const at = words.lastIndexOf(name);
    if (at >= 0) return numberOf(words.slice(0, at)) * size + numberOf(words.slice(at + 1));
  }
  const place = (name: string): bigint => VALUES[new RegExp(`(.)${name}`).exec(words)?.[1] ?? '零'] ?? 0n;
  const ones = VALUES[words.at(-1) ?? '零'] ?? 0n;
  return place('仟') * 1000n + place('佰') * 100n + place('拾') * 10n + ones;
}

const amounts = fc.oneof(
  fc.bigInt(-(10n ** 18n), 10n ** 18n),
  // Few digits that are not zero: where zeros are left out or written once.
  fc
    .array(fc.constantFrom('0', '0', '0', '1', '7'), { minLength: 1, maxLength: 18 })
    .map((digits) => BigInt(digits.join(''))),
);

test('what is written reads back as the amount, without two zeros in a row or one at an end', () => {
  fc.assert(
    fc.property(amounts, (fen) => {
      const words = amountInChinese(fen);
      expect(fenOf(words)).toBe(fen);
      expect(words).not.toMatch(/零零|零[亿万整]|零$/);
      expect(words.includes('零元')).toBe(fen === 0n);
      expect(words.endsWith('整')).toBe(fen % 100n === 0n);
    }),
    { numRuns: 2_000 },
  );
});

test('control: a writer that leaves out zeros is caught by reading back', () => {
  expect(fenOf(amountInChinese(100_010_001_00n).replaceAll('壹元', '元'))).not.toBe(100_010_001_00n);
  expect(fenOf('人民币壹拾元伍分')).toBe(fenOf('人民币壹拾元零伍分'));
  expect('人民币壹拾零零元整').toMatch(/零零|零[亿万整]|零$/);
});

test('figures have two places, prices as many as they need', () => {
  expect([0n, 5n, -5n, 140950n, -100n].map(yuan)).toEqual(['0.00', '0.05', '-0.05', '1409.50', '-1.00']);
  expect([0n, 4_000_000n, 5_000_000_000n, 1n, -1_500_000_000n].map(yuanOfNano)).toEqual([
    '0.00',
    '0.004',
    '5.00',
    '0.000000001',
    '-1.50',
  ]);
});

test('an amount that has no words in English is refused', () => {
  expect(amountInEnglish(10n ** 35n)).toBe('Renminbi one decillion yuan');
  expect(() => amountInEnglish(10n ** 38n)).toThrow(RangeError);
});
