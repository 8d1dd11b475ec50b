/** Sentences about statements, corrections and settlement: id, English, Chinese. */
export const STATEMENT_WORDS = {
  'statement.otherBuyer': {
    en: 'a usage record of an account of {buyer} is to be paid by {found}: it stands on no statement until that is cleared',
    zh: '{buyer} 账户的一条用量记录由 {found} 付款：查明之前不计入任何账单',
  },
  'statement.unsound': {
    en: 'a usage record has a quantity that is not a whole number from 0',
    zh: '一条用量记录的数量不是从 0 起的整数',
  },
  'statement.block.periodOpen': {
    en: '{period} is not over yet',
    zh: '{period} 尚未结束',
  },
  'statement.block.underWay': {
    en: '{count} jobs that were admitted in this month are still under way',
    zh: '本月受理的作业中有 {count} 个尚未完成',
  },
  'statement.block.earlierOpen': {
    en: 'usage of {month} has no statement yet: close {month} first',
    zh: '{month} 的用量尚无账单：请先关闭 {month}',
  },
  'statement.block.cardMissing': {
    en: 'the rate card {card} that usage names is not filed and approved',
    zh: '用量所引用的价目表 {card} 未备案或未批准',
  },
  'statement.block.currency': {
    en: 'the rate card {card} is in {found}, and statements are in {currency}',
    zh: '价目表 {card} 的币种为 {found}，而账单币种为 {currency}',
  },
  'statement.correction.purpose': {
    en: '`change.purposeClass` can only become governance_welfare, for usage of public data that was billed as industry: anything else would make the bill larger than its quote',
    zh: 'change.purposeClass 只能改为 governance_welfare，且仅限按产业用途计费的公共数据用量：否则账单会超过报价',
  },
  'statement.correction.basis': {
    en: '`{field}` is no planned quantity of this record; known are: {known}',
    zh: '{field} 不是此记录的计划数量；可用的有：{known}',
  },
  'statement.correction.whole': {
    en: '`{field}` must be a whole number from 0, as decimal text',
    zh: '{field} 必须是从 0 起的整数（十进制文本）',
  },
  'statement.correction.above': {
    en: '`{field}` may be at most {most}, what the record has: more than was quoted is never billed',
    zh: '{field} 最多为记录中的 {most}：不得超出报价计费',
  },
  'statement.correction.card': {
    en: '`change.card` names no approved rate card of this fee',
    zh: 'change.card 未指向此项费用的已批准价目表',
  },
  'statement.correction.bases': {
    en: '`change.card` must charge by exactly what this record was quoted by: {bases}',
    zh: 'change.card 的计费依据必须与此记录的报价完全一致：{bases}',
  },
} as const;
