/** Help and columns of the verbs `price …`: id, English, Chinese. */
export const PRICE_CLI_WORDS = {
  'cli.price': {
    en: 'prices: cards, caps and ceilings, the public list, deviations and the separate ledger',
    zh: '价格：价目、上限、最高准许收入、公示清单、偏离与单独核算',
  },
  'cli.price.history': {
    en: 'show every published wording of a price',
    zh: '显示一项价格的全部公示版本',
  },
  'cli.price.ceiling': {
    en: 'compute a revenue ceiling and show its working; needs no server',
    zh: '计算最高准许收入并列出过程；不需要服务器',
  },
  'cli.price.deviation': {
    en: 'compare a year’s revenue with its ceilings; opens the tasks of a year that is over',
    zh: '比较一年的实际收入与最高准许收入；年度结束后生成任务',
  },
  'cli.price.tasks': {
    en: 'list the tasks that deviations opened, or close one',
    zh: '列出因偏离生成的任务，或办结其一',
  },
  'cli.price.costs': {
    en: 'show the separate ledger of a year, each purpose class by itself',
    zh: '显示一年的单独核算账，按用途类别分列',
  },
  'cli.price.cost': { en: 'entries of the separate ledger', zh: '单独核算账的记录' },
  'cli.price.cost.add': {
    en: 'enter costs by purpose class, from a file or by flags, or undo an entry',
    zh: '按用途类别记入成本（文件或参数），或冲销一条记录',
  },
  'cli.flag.publicList': { en: 'what everybody may see', zh: '公示清单' },
  'cli.flag.year': { en: 'calendar year, such as 2027', zh: '年度，例如 2027' },
  'cli.flag.closeTask': { en: 'close the open task of this ceiling', zh: '办结该最高准许收入的待办任务' },
  'cli.flag.outcome': { en: 'what came of the task', zh: '任务的处理结果' },
  'cli.flag.costPeriod': { en: 'month, such as 2026-05', zh: '月份，例如 2026-05' },
  'cli.flag.costClass': {
    en: 'purpose class: governance_welfare or industry',
    zh: '用途类别：governance_welfare 或 industry',
  },
  'cli.flag.costCategory': { en: 'category of the ledger', zh: '账目类别' },
  'cli.flag.costAmount': { en: 'amount in yuan, such as 1200.00', zh: '金额（元），例如 1200.00' },
  'cli.flag.costReverses': { en: 'the entry that this one undoes', zh: '被冲销的记录' },
  'cli.flag.costAbout': { en: 'what it is for, or why it is undone', zh: '说明，或冲销原因' },
  'price.column.version': { en: 'VERSION', zh: '版本' },
  'price.column.from': { en: 'FROM', zh: '自' },
  'price.column.until': { en: 'UNTIL', zh: '至' },
  'price.column.state': { en: 'STATE', zh: '状态' },
  'price.column.price': { en: 'PRICE IN YUAN', zh: '价格（元）' },
  'price.column.year': { en: 'YEAR', zh: '年度' },
  'price.column.ceiling': { en: 'CEILING', zh: '最高准许收入' },
  'price.column.task': { en: 'TASK', zh: '任务' },
  'price.column.opened': { en: 'OPENED', zh: '生成于' },
  'price.column.closed': { en: 'CLOSED', zh: '办结于' },
  'price.column.outcome': { en: 'OUTCOME', zh: '处理结果' },
  'price.column.category': { en: 'CATEGORY, YUAN', zh: '类别（元）' },
  'price.netCosts': { en: 'costs less subsidy', zh: '成本减政府补助' },
  'price.carryOver': {
    en: 'carried over: {opening} brought − {deducted} deducted + {excess} above the ceilings so far = {closing} yuan',
    zh: '结转：期初 {opening} − 本周期扣减 {deducted} + 迄今超出 {excess} = {closing} 元',
  },
  'price.disputed': {
    en: '{disputed} yuan more are on disputed statements and not counted',
    zh: '另有 {disputed} 元在争议账单上，未计入',
  },
  'price.task.open': { en: 'task: {kind}, opened at {at}', zh: '任务：{kind}，生成于 {at}' },
  'price.task.outcome': {
    en: 'a task is closed with `--outcome`: what came of it',
    zh: '办结任务须写明 --outcome（处理结果）',
  },
  'price.year.form': { en: '`--year` is a calendar year such as 2027', zh: '--year 是年度，例如 2027' },
} as const;
