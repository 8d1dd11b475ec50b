/** Sentences about the form of filed documents, rate cards and what is rated: id, English, Chinese. */
export const BILLING_CORE_WORDS = {
  'billing.field.missing': {
    en: '`{field}` is missing: a filed document states every one of its terms',
    zh: '缺少 {field}：备案文件的每一项条款都必须写明',
  },
  'billing.field.unknown': {
    en: '`{field}` is no field of this document; remove it or correct its name',
    zh: '此文件中没有 {field} 这一项；请删除或更正名称',
  },
  'billing.field.kind': {
    en: '`{field}` must be of type {expected}',
    zh: '{field} 的类型必须是 {expected}',
  },
  'billing.field.oneOf': {
    en: '`{field}` must be one of: {values}',
    zh: '{field} 必须是以下之一：{values}',
  },
  'billing.field.small': {
    en: '`{field}` is too small or too short; the least is {least}',
    zh: '{field} 过小或过短；至少为 {least}',
  },
  'billing.field.big': {
    en: '`{field}` is too large or too long; the most is {most}',
    zh: '{field} 过大或过长；至多为 {most}',
  },
  'billing.field.form': {
    en: '`{field}` must have the form {form}',
    zh: '{field} 的格式必须是 {form}',
  },
  'billing.field.twice': {
    en: '`{field}` names `{name}` twice',
    zh: '{field} 重复列出了 {name}',
  },
  'billing.field.endsBeforeStart': {
    en: '`{field}` must be later than `from`',
    zh: '{field} 必须晚于 from',
  },
  'billing.decimal.text': {
    en: '`{field}` must be decimal text in quotes, such as "0.004" (at most {places} places): a number without quotes would be read as a binary fraction near it; the most is {max}',
    zh: '{field} 必须写成带引号的十进制文本，如 "0.004"（小数至多 {places} 位）：不带引号的数会被读作近似的二进制小数；上限为 {max}',
  },
  'billing.decimal.negative': {
    en: '`{field}` is below zero; it is a decimal number from 0 to {max}, with at most {places} places',
    zh: '{field} 为负数；应为 0 到 {max} 之间、小数至多 {places} 位的十进制数',
  },
  'billing.decimal.form': {
    en: '`{field}` is no decimal number: digits with at most {places} places after a point, from 0 to {max}, without sign, exponent, separators or leading zeros',
    zh: '{field} 不是十进制数：只写数字，小数至多 {places} 位，范围 0 到 {max}，不带正负号、指数、分隔符或前导零',
  },
  'billing.decimal.places': {
    en: '`{field}` has too many places; at most {places} are allowed (0: a whole number), from 0 to {max}',
    zh: '{field} 的小数位数过多；至多 {places} 位（0 表示整数），范围 0 到 {max}',
  },
  'billing.decimal.huge': {
    en: '`{field}` is too large: from 0 to {max}, with at most {places} places',
    zh: '{field} 过大：范围 0 到 {max}，小数至多 {places} 位',
  },
  'billing.card.duplicateBasis': {
    en: '`{field}` charges by `{basis}` a second time; a card has one charge for each basis',
    zh: '{field} 重复按 {basis} 计费；一份价目表对每种计费依据只能有一项收费',
  },
  'billing.card.basisOfModel': {
    en: '`{field}`: the model `{model}` goes with the basis `{needed}`, and `seats` with the model `period` alone',
    zh: '{field}：计费方式 {model} 只能与计费依据 {needed} 搭配；seats 只能按 period 计费',
  },
  'billing.card.per': {
    en: '`{field}` must be a power of ten from "1" to "1000000000000", in quotes: a price for anything else is not exact',
    zh: '{field} 必须是带引号的 10 的幂，从 "1" 到 "1000000000000"：否则价格无法精确表示',
  },
  'billing.card.zeroPrice': {
    en: '`{field}` is 0; what is free has the model `zero`, so that its lines say so',
    zh: '{field} 为 0；免费项目请用 zero 方式，以便账单行写明',
  },
  'billing.card.tierOverlap': {
    en: '`{field}` must be above {before}, where the tier before it ends: tiers rise strictly and do not overlap',
    zh: '{field} 必须大于 {before}（上一档的终点）：各档须严格递增，不得重叠',
  },
  'billing.card.tierGap': {
    en: '`{field}` must be null: without it the tiers leave a gap above {last}',
    zh: '{field} 必须为 null：否则 {last} 以上没有价格',
  },
  'billing.card.tierOpen': {
    en: '`{field}` is null, but only the last tier has no upper end; give it one or move it to the end',
    zh: '{field} 为 null，但只有最后一档没有上限；请写明上限或移到最后',
  },
  'billing.card.tooFine': {
    en: '`{field}`: this price per {per} has up to {digits} places with discount and tax, and amounts are kept to 24; use fewer places or a smaller `per`',
    zh: '{field}：按每 {per} 计价并计入折扣与税后小数达 {digits} 位，而金额保留 24 位；请减少小数位数或改用较小的 per',
  },
  'billing.card.guidance': {
    en: '`{field}` is required because `priceSource` is guided: name the document that sets the price',
    zh: '因 priceSource 为 guided（政府指导价），必须填写 {field}：写明定价文件',
  },
  'billing.card.discountTwice': {
    en: '`{field}` names the buyer `{buyer}`, who has a discount already; one buyer has one discount',
    zh: '{field} 中的购买方 {buyer} 已有折扣；每个购买方只能有一项折扣',
  },
  'billing.quantity': {
    en: 'usage {usage}: `{name}` is {value}; a quantity is a whole number from 0 to {max}, as decimal text',
    zh: '用量记录 {usage}：{name} 为 {value}；数量须为 0 到 {max} 的整数，以十进制文本写出',
  },
  'billing.usageTwice': {
    en: 'usage {usage} was given twice; every record counts once',
    zh: '用量记录 {usage} 出现两次；每条记录只计一次',
  },
  'billing.unknownCharge': {
    en: 'usage {usage}: `{name}` is no charge; a charge is a fee and a basis, such as data_usage/calls',
    zh: '用量记录 {usage}：没有 {name} 这一收费项；收费项由费用类别和计费依据组成，如 data_usage/calls',
  },
  'billing.aboveQuote': {
    en: 'line {feeType}/{basis} of grant {grant} in {period} comes to {amount} yuan, above the {quoted} yuan that its buyer was quoted; a higher amount needs a new quote that he accepts',
    zh: '授权 {grant} 在 {period} 的 {feeType}/{basis} 一行计得 {amount} 元，高于向购买方报价的 {quoted} 元；更高的金额须由购买方接受新的报价',
  },
} as const;
