/** Sentences about budgets: why a charge stands in a ledger as it does. */
export const BUDGET_WORDS = {
  'budget.why.waiting': {
    en: 'waiting: the amount is reserved, and comes back if the job ends before data are opened',
    zh: '等待中：额度已预留；若作业在打开数据之前结束，将予退还',
  },
  'budget.why.running': {
    en: 'data were opened, so the amount stays spent whatever becomes of the job; its answer leaves at its release time',
    zh: '数据已打开，无论作业结果如何，该额度都计为已消耗；结果将在发布时间发出',
  },
  'budget.why.released': {
    en: 'paid for a released answer',
    zh: '用于一次已发布的回答',
  },
  'budget.why.twin': {
    en: 'the same question was answered first; this run had opened data all the same, so it stays spent',
    zh: '同样的问题已先得到回答；但本次运行也打开了数据，因此仍计为已消耗',
  },
  'budget.why.failed': {
    en: 'failed ({code}) after data were opened, so it stays spent: a refund could tell something about the data',
    zh: '在打开数据之后失败（{code}），仍计为已消耗：退还可能泄露与数据有关的信息',
  },
  'budget.why.returned': {
    en: 'ended ({code}) before data were opened, so all of it was returned',
    zh: '在打开数据之前结束（{code}），已全部退还',
  },
  'budget.why.repeat': {
    en: 'free repeat: the stored answer came back and no data were opened',
    zh: '免费重复：返回已存结果，未打开数据',
  },
} as const;
