/** Sentences about public-data prices: ceilings and their working, caps, states, deviations, the separate ledger. */
export const PRICE_WORDS = {
  'price.item.platform_build_and_operation': {
    en: 'building and operating the platform: {amount} yuan',
    zh: '授权运营相关平台建设和运维成本：{amount} 元',
  },
  'price.item.transmission': { en: 'transmission: {amount} yuan', zh: '数据传输成本：{amount} 元' },
  'price.item.aggregation': { en: 'aggregation: {amount} yuan', zh: '数据汇聚成本：{amount} 元' },
  'price.item.storage': { en: 'storage: {amount} yuan', zh: '数据存储成本：{amount} 元' },
  'price.item.governance': { en: 'data governance: {amount} yuan', zh: '数据治理成本：{amount} 元' },
  'price.item.staff': { en: 'staff: {amount} yuan', zh: '人力成本：{amount} 元' },
  'price.item.obtaining_public_data': {
    en: 'spending to obtain public data: {amount} yuan',
    zh: '获取公共数据的支出：{amount} 元',
  },
  'price.item.period_expenses': { en: 'period expenses: {amount} yuan', zh: '期间费用：{amount} 元' },
  'price.working.costs': {
    en: 'C = costs {costs} − subsidy {subsidy} = {cost} yuan (industry products only)',
    zh: 'C（经营成本）= 成本合计 {costs} − 政府补助 {subsidy} = {cost} 元（仅限用于产业发展、行业发展的产品和服务）',
  },
  'price.working.rate': {
    en: 'r = ten-year government bonds, average of {year}, {yield} % + margin {margin} points = {rate} %',
    zh: 'r（准许利润率）= {year} 年 10 年期国债平均收益率 {yield}% + {margin} 个百分点 = {rate}%',
  },
  'price.working.profit': {
    en: 'P = C × r = {cost} × {rate} % = {profit} yuan',
    zh: 'P（准许利润）= C × r = {cost} × {rate}% = {profit} 元',
  },
  'price.working.taxes': { en: 'T = {taxes} yuan, as entered', zh: 'T（税金）= {taxes} 元（按填报数）' },
  'price.working.total': {
    en: 'ceiling = C + P + T = {cost} + {profit} + {taxes} = {total}, rounded down to the fen: {ceiling} yuan a year',
    zh: '最高准许收入 = C + P + T = {cost} + {profit} + {taxes} = {total}，舍去不足一分的部分：每年 {ceiling} 元',
  },
  'price.working.carryOver': {
    en: 'carried over from earlier cycles {opening}, over {cycles} cycles: {deducted} deducted in this one, {left} left',
    zh: '以前周期结转 {opening} 元，分 {cycles} 个周期扣减：本周期扣减 {deducted} 元，余 {left} 元',
  },
  'price.working.year': {
    en: '{year}: {computed} − {part} = {permitted} yuan',
    zh: '{year} 年：{computed} − {part} = {permitted} 元',
  },
  'price.ceiling.yieldYear': {
    en: '`{field}`: the yield is that of the year before the survey; {year} is not the year before {before}',
    zh: '{field}：应为成本调查上一年度的收益率；{year} 年不是 {before} 年的上一年度',
  },
  'price.ceiling.margin': {
    en: '`{field}`: a margin of {margin} points is above the {most} that are permitted',
    zh: '{field}：{margin} 个百分点超过准许的 {most} 个百分点',
  },
  'price.ceiling.subsidy': {
    en: '`{field}`: the subsidy is more than the costs',
    zh: '{field}：政府补助大于成本合计',
  },
  'price.ceiling.cycle': {
    en: '`{field}`: a cycle of {years} years is longer than the {most} that are permitted',
    zh: '{field}：周期 {years} 年，超过准许的 {most} 年',
  },
  'price.ceiling.cycleOrder': {
    en: '`{field}`: the last year of the cycle comes before the first',
    zh: '{field}：周期的最后一年早于第一年',
  },
  'price.ceiling.surveyYear': {
    en: '`{field}`: costs are surveyed before the cycle they are for, or in its first year',
    zh: '{field}：成本调查年度不得晚于周期的第一年',
  },
  'price.ceiling.deduction': {
    en: '`{field}`: so much would be deducted that the ceiling falls below zero; spread the balance over more cycles',
    zh: '{field}：扣减后最高准许收入低于零；请分更多周期扣减',
  },
  'price.ceiling.opening': {
    en: '{document}: it begins with a balance of {stated} yuan, but {recorded} yuan of earlier revenue above the ceiling are still to be deducted',
    zh: '{document}：期初结转余额为 {stated} 元，但以前周期超过最高准许收入、尚未扣减的金额为 {recorded} 元',
  },
  'price.ceiling.order': {
    en: '{document}: the cycle from {from} neither is the one before ({before}) nor begins after it',
    zh: '{document}：自 {from} 年起的周期既不是上一周期（{before}），也不在其后',
  },
  'price.ceiling.costs': {
    en: '{document}: {item} is {stated} yuan, but the separate ledger of {year} holds {recorded} yuan for industry; the cost of free use is not charged to paid products',
    zh: '{document}：{item} 为 {stated} 元，但 {year} 年单独核算账中用于产业发展、行业发展的仅有 {recorded} 元；免费使用的成本不得计入收费产品',
  },
  'price.ceiling.noLedger': {
    en: 'the separate ledger has no entries of {year}: the surveyed costs were held against nothing',
    zh: '单独核算账中没有 {year} 年的记录：调查成本未能核对',
  },
  'price.cap.twice': {
    en: '`{field}`: {basis} has two caps in one document',
    zh: '{field}：同一文件中 {basis} 有两个上限',
  },
  'price.cap.above': {
    en: '{card}: {basis} at {price} yuan for {per} is above the cap {cap}, {most} yuan for {mostPer}, which is in force from {from}',
    zh: '{card}：{basis} 每 {per} 单位 {price} 元，高于上限 {cap}（每 {mostPer} 单位 {most} 元，自 {from} 起施行）',
  },
  'price.cap.absent': {
    en: '{card}: {basis} is charged, and cap {cap} of the same data, scene and fee has none for it',
    zh: '{card}：对 {basis} 收费，但同一数据、场景和费用的上限文件 {cap} 未规定其上限',
  },
  'price.cap.none': {
    en: '{card}: a {state} price needs a cap from its first to its last day; there is none at {from}',
    zh: '{card}：{state} 价格自始至终须有上限收费标准；{from} 没有',
  },
  'price.cap.ceilingUnknown': {
    en: '{document}: the revenue ceiling {ceiling} is not approved for {year}',
    zh: '{document}：{year} 年没有已批准的最高准许收入 {ceiling}',
  },
  'price.cap.overlap': {
    en: '{document}: {other} caps the same data, scene and fee from {from} to {to}',
    zh: '{document}：{other} 在 {from} 至 {to} 已对同一数据、场景和费用规定上限',
  },
  'price.cap.projected': {
    en: 'the caps under {ceiling} would bring {projected} yuan in {year}, above its ceiling of {permitted} yuan',
    zh: '{ceiling} 之下各上限按预计用量在 {year} 年可收入 {projected} 元，超过最高准许收入 {permitted} 元',
  },
  'price.cap.cardAbove': {
    en: 'the price in {card} is above this cap; bills of its runs will be blocked until it is replaced',
    zh: '{card} 的价格高于该上限；在其更换之前，相关运行的账单将被拦截',
  },
  'price.card.overlap': {
    en: '{document}: {other} prices the same data, scene and fee from {from} to {to}; same conditions, same price',
    zh: '{document}：{other} 在 {from} 至 {to} 已对同一数据、场景和费用定价；同等条件同等价格',
  },
  'price.card.target': {
    en: '{document}: a new wording prices the same data, scene and fee as the one before; file other prices under another id',
    zh: '{document}：新版本的数据、场景和费用须与前一版本相同；其他价格请另立编号',
  },
  'price.card.guided': {
    en: '{document}: {data} is public data: its price is guided by the government; state `priceSource: guided` with its guidance document',
    zh: '{document}：{data} 是公共数据，实行政府指导价；请写明 priceSource: guided 及其指导价文件',
  },
  'price.card.market': {
    en: '{document}: {data} is not public data: its price is the market’s, not guided by the government',
    zh: '{document}：{data} 不是公共数据，实行市场价，不适用政府指导价',
  },
  'price.card.unknownData': {
    en: '{document}: {data} is not registered or not approved, so its price has no regime',
    zh: '{document}：{data} 未登记或未获批准，无法确定价格管理形式',
  },
  'price.state.backward': {
    en: '{document}: the price is {before} since {from}; it cannot become {state}: trial, applied, assessed, formal, adjusted',
    zh: '{document}：该价格自 {from} 起为 {before}，不能改为 {state}：试行、已申报、已评估、正式、已调整',
  },
  'price.state.skipped': {
    en: '{document}: the price cannot be {state} after {before}; the next state is {next}',
    zh: '{document}：{before} 之后不能是 {state}；下一状态为 {next}',
  },
  'price.state.first': {
    en: '{document}: a first price is on trial, not {state}',
    zh: '{document}：首个价格为试行价格，不能是 {state}',
  },
  'price.state.year': {
    en: '{document}: a price is formal after a full operating year; the trial began at {trial}, so not before {earliest}',
    zh: '{document}：满一个完整运营年度后方可正式定价；试行自 {trial} 开始，最早为 {earliest}',
  },
  'price.state.trial': { en: 'trial price', zh: '试行价格' },
  'price.state.applied': { en: 'trial price, permanent price applied for', zh: '试行价格（已申报）' },
  'price.state.assessed': { en: 'trial price, assessed', zh: '试行价格（已评估）' },
  'price.state.formal': { en: 'formal price', zh: '正式价格' },
  'price.state.adjusted': { en: 'adjusted price', zh: '调整后价格' },
  'price.deviation.difference': {
    en: 'revenue {revenue} − ceiling {ceiling} = {difference} yuan',
    zh: '实际收入 {revenue} − 最高准许收入 {ceiling} = {difference} 元',
  },
  'price.deviation.share': {
    en: 'deviation = {difference} ÷ {ceiling} = {percent} %',
    zh: '偏离幅度 = {difference} ÷ {ceiling} = {percent}%',
  },
  'price.deviation.none': {
    en: 'the ceiling is zero: a deviation from it has no percentage',
    zh: '最高准许收入为零：偏离幅度无百分比',
  },
  'price.deviation.lower': {
    en: 'within {band} per cent, inclusive: the operator reviews its actual prices',
    zh: '偏离幅度在 {band}% 以内（含）：由运营机构评估调整具体收费标准',
  },
  'price.deviation.upper': {
    en: 'above {band} per cent: the authorising body reviews the caps',
    zh: '偏离幅度超过 {band}%：由授权主体评估调整上限收费标准',
  },
  'price.year.unfinished': {
    en: 'the year {year} is not over: this is how it stands, and no task is opened',
    zh: '{year} 年尚未结束：以下为目前情况，不生成任务',
  },
  'price.ledger.both': {
    en: 'costs of free use (public governance and welfare) are not charged to paid products',
    zh: '用于公共治理、公益事业的免费使用成本不计入收费产品',
  },
  'price.ledger.unknown': {
    en: '`{field}`: there is no entry {entry}',
    zh: '{field}：没有记录 {entry}',
  },
  'price.ledger.reversed': {
    en: '`{field}`: {entry} was reversed already, or is a reversal itself; a reversal is not corrected',
    zh: '{field}：{entry} 已被冲销，或本身是冲销记录；冲销记录不得再更正',
  },
  'price.ledger.period': {
    en: '`{field}` is a month such as 2026-11',
    zh: '{field} 是月份，例如 2026-11',
  },
  'price.ledger.zero': {
    en: '`{field}`: an entry is of more than nothing',
    zh: '{field}：金额须大于零',
  },
  'price.operatorOnly': {
    en: 'costs, revenue and tasks of authorised operation are the operator’s: your organisation is another',
    zh: '授权运营的成本、收入和任务属运营机构：贵单位不是运营机构',
  },
  'price.task.unknown': {
    en: 'there is no open task of {ceiling} for {year}',
    zh: '{ceiling} 在 {year} 年没有待办任务',
  },
} as const;
