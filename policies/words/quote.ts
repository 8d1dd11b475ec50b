/** Sentences of prices, quotes and calls of products. */
export const QUOTE_WORDS = {
  'api.quoteUnknown': {
    en: 'quote `{quote}` is not one of yours, has expired, or is for another request; ask for a new quote',
    zh: '报价 {quote} 不属于你、已过期或对应其他请求；请重新询价',
  },
  'api.quoteUsed': {
    en: 'quote `{quote}` has priced a job already; a quote is for one job, ask for a new quote',
    zh: '报价 {quote} 已用于一个任务；每份报价仅用于一个任务，请重新询价',
  },
  'api.quoteSmaller': {
    en: 'quote `{quote}` was for an answer from store, which is no longer there; ask for a new quote',
    zh: '报价 {quote} 对应库存中的结果，而该结果已不存在；请重新询价',
  },
  'product.notInForce': {
    en: 'there is no product `{product}` in force; the list of products has those that may be called',
    zh: '目前没有生效的产品 {product}；可调用的产品见产品目录',
  },
  'product.ownQuestion': {
    en: 'product `{product}` asks its own question; give its parameters, not a query or program',
    zh: '产品 {product} 的问题是固定的；请提供其参数，而非查询或程序',
  },
  'product.noQuestion': {
    en: 'product `{product}` is for questions of your own about its dataset; give a query or program',
    zh: '产品 {product} 供自行提问其数据集；请提供查询或程序',
  },
  'product.fixed': {
    en: 'product `{product}` has a fixed ε and accuracy; leave epsilon, delta, maxError and atSize out',
    zh: '产品 {product} 的 ε 与精度是固定的；请勿填写 epsilon、delta、maxError、atSize',
  },
  'product.scene': {
    en: 'product `{product}` is for the scene `{scene}`',
    zh: '产品 {product} 仅用于场景 {scene}',
  },
  'product.purpose': {
    en: 'product `{product}` is for: {purposes}',
    zh: '产品 {product} 仅用于以下用途：{purposes}',
  },
  'product.dataset': {
    en: 'product `{product}` is for questions about `{dataset}` only',
    zh: '产品 {product} 仅用于查询 {dataset}',
  },
  'product.parametersOfProduct': {
    en: 'parameters are for calls of a product; name the product, without a query or program',
    zh: 'parameters 仅用于调用产品；请指明产品，且不附带查询或程序',
  },
  'price.purposeUnknown': {
    en: '`{asked}` is no purpose of the purpose tree',
    zh: '{asked} 不在用途目录中',
  },
  'problem.PRICE': {
    en: 'The price in force is above its cap',
    zh: '现行价格超过上限收费标准',
  },
  'fix.PRICE': {
    en: 'ask the operator for a rate card within the cap; a price above a cap is never charged',
    zh: '请联系运营机构按上限重新核定收费标准；超过上限的价格一律不予收取',
  },
  'quote.price.note': {
    en: 'binding: a job under this quote is never billed more',
    zh: '本报价具有约束力：按其执行的任务，收费不超过此数',
  },
  'quote.feeType.data_usage': { en: 'data usage fee', zh: '数据使用费' },
  'quote.feeType.technical_service': { en: 'technical service fee', zh: '技术服务费' },
  'quote.zero.public_welfare': {
    en: 'free: public data for public governance or welfare',
    zh: '免费：公共数据用于公共治理、公益事业',
  },
  'quote.zero.open_channel': { en: 'free: open channel', zh: '免费：开放渠道' },
  'quote.zero.no_rate_card': { en: 'free: no rate card is in force', zh: '免费：无生效的收费标准' },
  'quote.zero.zero_price': { en: 'free: the rate card says so', zh: '免费：收费标准为零' },
  'quote.zero.failed_run': { en: 'free: the run failed', zh: '免费：任务未成功' },
  'quote.discount.real_need_and_custom': {
    en: 'by real need and custom of the trade',
    zh: '基于交易相对人的实际需求且符合正当交易习惯',
  },
  'quote.discount.new_user_period': {
    en: 'for new users, for a limited time',
    zh: '针对新用户的合理期限优惠',
  },
  'quote.discount.fair_random': {
    en: 'by a fair random rule',
    zh: '基于公平、合理、无歧视规则的随机性优惠',
  },
  'quote.discount.law': { en: 'by law', zh: '法律、法规规定的其他情形' },
  'quote.tax.inclusive': { en: 'tax of {percent} % included', zh: '含税，税率 {percent}%' },
  'quote.tax.exclusive': {
    en: 'tax of {percent} % on top, counted in',
    zh: '另计税，税率 {percent}%，已计入',
  },
  'quote.endsFree': {
    en: 'A request that is refused and a run that fails cost no money.',
    zh: '请求被拒绝或运行失败，均不收费。',
  },
  'quote.endsBilled': {
    en: 'A request that is refused costs no money; a run that fails is billed as it was quoted for: {fees}.',
    zh: '请求被拒绝不收费；运行失败时，以下费用仍按报价收取：{fees}。',
  },
  'quote.endsPrivacy': {
    en: 'A request that is refused costs no privacy budget; once data were opened, what a run reserved stays spent, also if it fails.',
    zh: '请求被拒绝不消耗隐私预算；数据一经打开，即使运行失败，已预留的预算仍计为已用。',
  },
  'quote.perMonth': {
    en: 'beside single runs: {price} yuan for every month in which the grant is in force',
    zh: '另按月收取：授权有效期内每月 {price} 元',
  },
  'cli.quoteAccepted': {
    en: 'quote {quote} is accepted; record in leaf {leaf} of the log',
    zh: '已接受报价 {quote}；记录见日志第 {leaf} 条',
  },
  'cli.quoteNeeds': {
    en: 'to make a quote, give {flags}; to accept one, write: unseen quote accept ID',
    zh: '询价须提供 {flags}；接受报价请写：unseen quote accept 编号',
  },
  'cli.quoteId': {
    en: 'name the quote to accept: unseen quote accept ID',
    zh: '请指明要接受的报价：unseen quote accept 编号',
  },
  'cli.call': {
    en: 'call a product with its parameters, wait, and print the answer',
    zh: '以参数调用产品，等待并输出结果',
  },
  'cli.flag.parameter': { en: 'a parameter of the product, as name=value', zh: '产品参数，格式为 名称=值' },
  'cli.flag.parameterMonth': { en: 'the parameter `month`: 2026-10', zh: '参数 month：2026-10' },
  'cli.parameterForm': {
    en: '`{value}` is no parameter; write name=value',
    zh: '{value} 不是参数；请写作 名称=值',
  },
  'cli.usage.quotes': {
    en: 'how many quotes each account was made and accepted, by day',
    zh: '按日列出各账户的报价数与接受数',
  },
  'cli.column.day': { en: 'DAY', zh: '日期' },
  'cli.column.made': { en: 'MADE', zh: '报价' },
  'cli.column.accepted': { en: 'ACCEPTED', zh: '接受' },
  'cli.column.fee': { en: 'FEE', zh: '费用' },
  'cli.column.basis': { en: 'BASIS', zh: '计费依据' },
  'cli.column.quantity': { en: 'QUANTITY', zh: '数量' },
  'cli.column.unitPrice': { en: 'UNIT PRICE', zh: '单价' },
  'cli.column.atMost': { en: 'AT MOST', zh: '最高金额' },
} as const;
