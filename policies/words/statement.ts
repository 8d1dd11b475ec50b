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
    en: '`change.card` names no approved rate card of this fee for what was used in its scene',
    zh: 'change.card 未指向所用数据或产品在该场景下此项费用的已批准价目表',
  },
  'statement.correction.bases': {
    en: '`change.card` must charge by exactly what this record was quoted by: {bases}',
    zh: 'change.card 的计费依据必须与此记录的报价完全一致：{bases}',
  },
  'statement.correction.open': {
    en: 'the record {usage} has an open correction, {correction}: decide about that one first',
    zh: '记录 {usage} 已有待决的更正 {correction}：请先对其作出决定',
  },
  'statement.correction.decided': {
    en: 'the correction {correction} was decided already',
    zh: '更正 {correction} 已有决定',
  },
  'statement.correction.sameAccount': {
    en: '{account} asked for this correction: another account decides about it',
    zh: '{account} 提出了此项更正：须由另一账户决定',
  },
  'statement.sameAccount': {
    en: '{account} closed this statement: another account issues it',
    zh: '{account} 关闭了此账单：须由另一账户签发',
  },
  'statement.state': {
    en: 'this statement is {state}, and that needs one that is {needed}',
    zh: '此账单状态为 {state}，该操作要求状态为 {needed}',
  },
  'statement.hold.NO_AGREEMENT': {
    en: 'the grant {grant} rests on no agreement that is filed and approved',
    zh: '授权 {grant} 所依据的协议未备案或未批准',
  },
  'statement.hold.NO_CONTRACT': {
    en: 'the agreement has neither a contract number nor a filing number',
    zh: '协议既无合同编号也无备案编号',
  },
  'statement.hold.NO_DELIVERY': {
    en: '{count} runs of this line have not been delivered',
    zh: '此明细中有 {count} 次运行尚未交付',
  },
  'statement.hold.NO_DESTRUCTION': {
    en: '{count} runs of this line have no record that what they had in memory is gone',
    zh: '此明细中有 {count} 次运行缺少销毁记录',
  },
  'statement.hold.OPEN_CORRECTION': {
    en: '{count} runs of this line have a correction that no statement has taken into account',
    zh: '此明细中有 {count} 次运行存在尚未计入账单的更正',
  },
  'statement.hold.DISPUTED': {
    en: 'the statement is disputed',
    zh: '账单存在争议',
  },
  'statement.block.aboveCap': {
    en: 'the rate card {card} charges {price} by {basis} where the cap {cap} in force then allows {most}',
    zh: '价目表 {card} 按 {basis} 收费 {price}，当时有效的最高价 {cap} 仅允许 {most}',
  },
  'statement.operatorOnly': {
    en: 'only accounts of the operator close, issue, correct and settle',
    zh: '仅运营机构的账户可以关闭、签发、更正和结算',
  },
  'statement.period': {
    en: '`month` must be a calendar month such as 2026-11',
    zh: 'month 必须是日历月份，例如 2026-11',
  },
  'statement.correction.unknown': {
    en: '`usage` names no record that may be corrected: it is not there, not yet to be seen, or was refused',
    zh: 'usage 未指向可更正的记录：该记录不存在、尚不可见或已被拒绝',
  },
  'statement.invoiceTaken': {
    en: 'the line {line} stands on another invoice already',
    zh: '明细 {line} 已列入另一张发票',
  },
  'statement.day': {
    en: 'it must be a day of the calendar such as 2026-11-30',
    zh: '必须是日历日期，例如 2026-11-30',
  },
  'statement.print.title': { en: 'Statement of usage', zh: '用量结算账单' },
  'statement.print.number': { en: 'Number', zh: '账单编号' },
  'statement.print.issuer': { en: 'Issuer', zh: '开单机构' },
  'statement.print.buyer': { en: 'Buyer', zh: '付款机构' },
  'statement.print.period': { en: 'Month', zh: '账期' },
  'statement.print.state': { en: 'State', zh: '状态' },
  'statement.print.state.closed': { en: 'closed, not issued', zh: '已关账，未签发' },
  'statement.print.state.issued': { en: 'issued', zh: '已签发' },
  'statement.print.state.disputed': { en: 'disputed', zh: '有争议' },
  'statement.print.state.settled': { en: 'settled', zh: '已结清' },
  'statement.print.issuedAt': { en: 'Issued', zh: '签发时间' },
  'statement.print.line': { en: 'Line', zh: '序号' },
  'statement.print.lines': { en: 'Lines', zh: '明细数' },
  'statement.print.kind': { en: 'Kind', zh: '类别' },
  'statement.print.fee': { en: 'Fee', zh: '费用' },
  'statement.print.fee.data_usage': { en: 'Data usage fee', zh: '数据使用费' },
  'statement.print.fee.technical_service': { en: 'Technical service fee', zh: '技术服务费' },
  'statement.print.grant': { en: 'Grant', zh: '授权' },
  'statement.print.basis': { en: 'Basis', zh: '计费依据' },
  'statement.print.quantity': { en: 'Quantity', zh: '数量' },
  'statement.print.unitPrice': { en: 'Unit price', zh: '单价' },
  'statement.print.quoted': { en: 'Quoted at most', zh: '报价上限' },
  'statement.print.charged': { en: 'Charged', zh: '应付金额' },
  'statement.print.tax': { en: 'Tax', zh: '税额' },
  'statement.print.inclusive': { en: 'included', zh: '含税' },
  'statement.print.onTop': { en: 'on top', zh: '价外' },
  'statement.print.note': { en: 'Note', zh: '说明' },
  'statement.print.invoice': { en: 'Invoice', zh: '发票' },
  'statement.print.total': { en: 'Total', zh: '合计' },
  'statement.print.words': { en: 'In words', zh: '金额大写' },
  'statement.print.digest': { en: 'Digest', zh: '摘要' },
  'statement.print.leaf': { en: 'Leaf in the log', zh: '日志叶序号' },
  'statement.print.trial': { en: 'trial price', zh: '试行价格' },
  'statement.print.kind.reversal': { en: 'taken back', zh: '冲销' },
  'statement.print.kind.rebill': { en: 'billed anew', zh: '重开' },
  'statement.print.zero.public_welfare': {
    en: 'free: public governance or welfare',
    zh: '免费：公共治理、公益事业',
  },
  'statement.print.zero.open_channel': { en: 'free: open data', zh: '免费：公共数据开放' },
  'statement.print.zero.no_rate_card': { en: 'no price', zh: '未定价' },
  'statement.print.zero.zero_price': { en: 'price of zero', zh: '零价格' },
  'statement.print.zero.failed_run': { en: 'failed run', zh: '运行失败' },
  'statement.print.discount.real_need_and_custom': {
    en: 'real need and trade custom',
    zh: '实际需求且符合交易习惯',
  },
  'statement.print.discount.new_user_period': { en: 'new user', zh: '新用户优惠期' },
  'statement.print.discount.fair_random': { en: 'fair random offer', zh: '公平随机优惠' },
  'statement.print.discount.law': { en: 'by law', zh: '法律规定' },
} as const;
