/** Sentences about quotas and money before a run: id, English, Chinese. */
export const QUOTA_WORDS = {
  'grant.field.line': {
    en: '`{field}` must be one line of text without control characters',
    zh: '{field} 必须是不含控制字符的单行文本',
  },
  'grant.limitsNoPurpose': {
    en: '`{field}` limits purpose `{purpose}`, which is neither above nor below what is granted: {granted}',
    zh: '{field} 限定的用途 {purpose} 既不包含已授权用途，也不属于已授权用途：{granted}',
  },
  'quota.costCentre': {
    en: '`costCentre` is {asked}; a run under this grant is booked on one of: {listed}',
    zh: 'costCentre 为 {asked}；此授权下的运行须记入以下成本中心之一：{listed}',
  },
  'quota.standing': {
    en: 'without an accepted quote this grant allows {limit} of {unit} per run, and this one needs {asked}; get a quote, accept it and name it',
    zh: '未接受报价时，此授权每次运行的 {unit} 上限为 {limit}，而本次需要 {asked}；请先取得并接受报价，再在请求中注明',
  },
  'cli.grant.spend': {
    en: 'show what is counted under a grant beside its limits, and the alerts about its money',
    zh: '显示授权的各计数与限额，以及费用提醒',
  },
  'cli.column.counter': { en: 'COUNTER', zh: '计数范围' },
  'cli.column.runs': { en: 'RUNS', zh: '运行次数' },
  'cli.column.quotaLimit': { en: 'AT MOST', zh: '上限' },
  'cli.column.yuan': { en: 'YUAN', zh: '金额（元）' },
  'cli.column.alertAt': { en: 'REACHED AT', zh: '达到时间' },
  'cli.column.ofYuan': { en: 'OF YUAN', zh: '占上限（元）' },
} as const;
