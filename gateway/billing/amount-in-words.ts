/**
 * Amounts of money as people write them: in figures, in Chinese capitals as on a cheque, and in English words.
 *
 * 支付结算办法 (银发〔1997〕393号), 附件一 正确填写票据和结算凭证的基本规定: an amount that ends with yuan is followed by 整, one
 * with fen by nothing; zeros in between are written once; a zero in the place of the yuan, or of the jiao with fen after it,
 * is written after 元.
 */
import { absolute, decimalText, shortDecimalText } from './decimal.ts';

const FEN_PLACES = 2;
const NANO_PLACES = 9;

/** Fen as yuan in figures: `1409.50`. */
export function yuan(fen: bigint): string {
  return decimalText(fen, FEN_PLACES);
}

/** Billionths of a yuan as yuan in figures, with two places at least: `0.004`, `5.00`. */
export function yuanOfNano(nano: bigint): string {
  return shortDecimalText(nano, NANO_PLACES, FEN_PLACES);
}

const DIGITS = '零壹贰叁肆伍陆柒捌玖';
const PLACES = ['', '拾', '佰', '仟'];

/** An amount in Chinese capitals: `人民币壹仟肆佰零玖元伍角`. */
export function amountInChinese(fen: bigint): string {
  const size = absolute(fen);
  const [whole, jiao, cents] = [size / 100n, (size / 10n) % 10n, size % 10n];
  const sign = fen < 0n ? '负' : '';
  return `人民币${sign}${wholeInChinese(whole, size)}${changeInChinese(whole, Number(jiao), Number(cents))}`;
}

/** Of an amount below one yuan only the change is written. */
function wholeInChinese(whole: bigint, size: bigint): string {
  if (whole > 0n) return `${numberInChinese(whole)}元`;
  return size === 0n ? '零元' : '';
}

function changeInChinese(whole: bigint, jiao: number, fen: number): string {
  if (jiao === 0 && fen === 0) return '整';
  const gap = whole > 0n && (whole % 10n === 0n || jiao === 0) ? '零' : '';
  const jiaoText = jiao === 0 ? '' : `${DIGITS[jiao]}角`;
  const fenText = fen === 0 ? '' : `${DIGITS[fen]}分`;
  return `${gap}${jiaoText}${fenText}`;
}

/** The units that groups of four or eight digits are counted in, largest first. */
const GROUPS = [
  { size: 10n ** 8n, name: '亿' },
  { size: 10n ** 4n, name: '万' },
] as const;

function numberInChinese(value: bigint): string {
  const group = GROUPS.find(({ size }) => value >= size);
  if (group === undefined) return fourDigitsInChinese(Number(value));
  const rest = value % group.size;
  const high = `${numberInChinese(value / group.size)}${group.name}`;
  if (rest === 0n) return high;
  return `${high}${rest < group.size / 10n ? '零' : ''}${numberInChinese(rest)}`;
}

function fourDigitsInChinese(value: number): string {
  const digits = Array.from(String(value), Number);
  const text = digits
    .map((digit, index) => (digit === 0 ? '零' : `${DIGITS[digit]}${PLACES[digits.length - 1 - index]}`))
    .join('');
  return text.replace(/零+/g, '零').replace(/零$/, '');
}

const UP_TO_NINETEEN = (
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen ' +
  'eighteen nineteen'
).split(' ');
const TENS = ['', '', ...'twenty thirty forty fifty sixty seventy eighty ninety'.split(' ')];
const THOUSANDS = [
  '',
  ...'thousand million billion trillion quadrillion quintillion sextillion septillion octillion nonillion decillion'
    .split(' ')
    .map((name) => ` ${name}`),
];

/** An amount in English words: `one thousand four hundred and nine yuan and fifty fen`. */
export function amountInEnglish(fen: bigint): string {
  const size = absolute(fen);
  const change = Number(size % 100n);
  const cents = change === 0 ? '' : ` and ${belowThousand(change)} fen`;
  return `Renminbi ${fen < 0n ? 'minus ' : ''}${numberInEnglish(size / 100n)} yuan${cents}`;
}

function numberInEnglish(value: bigint): string {
  if (value === 0n) return 'zero';
  const groups = groupsOfThree(value);
  return groups
    .map((group, index) => ({ group, power: groups.length - 1 - index }))
    .filter(({ group }) => group > 0)
    .map(({ group, power }, index) => {
      const joint = power === 0 && index > 0 && group < 100 ? 'and ' : '';
      return `${joint}${belowThousand(group)}${THOUSANDS[power]}`;
    })
    .join(' ');
}

/** Its decimal digits in threes, the highest first. */
function groupsOfThree(value: bigint): readonly number[] {
  const text = String(value);
  const groups = text
    .padStart(Math.ceil(text.length / 3) * 3, '0')
    .match(/\d{3}/g)!
    .map(Number);
  if (groups.length > THOUSANDS.length) throw new RangeError('there is no word for so many yuan');
  return groups;
}

function belowThousand(value: number): string {
  const [hundreds, rest] = [Math.floor(value / 100), value % 100];
  if (hundreds === 0) return belowHundred(rest);
  const head = `${UP_TO_NINETEEN[hundreds]} hundred`;
  return rest === 0 ? head : `${head} and ${belowHundred(rest)}`;
}

function belowHundred(value: number): string {
  if (value < 20) return UP_TO_NINETEEN[value]!;
  const ones = value % 10;
  return `${TENS[Math.floor(value / 10)]}${ones === 0 ? '' : `-${UP_TO_NINETEEN[ones]}`}`;
}
