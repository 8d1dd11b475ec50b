/** Sentences about Plans of programs: what of prog.yaml, parameters, manifest and policy do not go together. */
export const PROGRAM_PLAN_WORDS = {
  'plan.unitDomain': {
    en: 'the units of `{left}` and `{right}` are not the same (unitDomain), so no block can hold both',
    zh: '{left} 与 {right} 的隐私单元不属于同一 unitDomain，无法放入同一分块',
  },
  'plan.policies': {
    en: 'the policies of the datasets differ in mechanism or in the kind of their budget, so one run cannot be charged to both',
    zh: '各数据集策略的 mechanism 或预算类型不同，一次运行无法同时计入',
  },
  'plan.column': {
    en: 'dataset `{dataset}` has no column `{name}` that a program may read; columns: {known}',
    zh: '数据集 {dataset} 没有可供程序读取的列 {name}；可用列：{known}',
  },
  'plan.unitColumn': {
    en: '`{name}` identifies the privacy unit: no program may read it',
    zh: '{name} 标识隐私单元：程序不得读取',
  },
  'plan.hideBelow': {
    en: 'the policy withholds small groups (hideBelow), and a program of mode blocks cannot count the units of a group: use mode map',
    zh: '策略要求隐藏小分组（hideBelow），而 blocks 模式无法统计分组内的单元数：请改用 map 模式',
  },
  'plan.engine': {
    en: 'the policy runs programs with engine fast, which is for data of grade general only; `{dataset}` is of grade {grade}',
    zh: '策略以 fast 引擎运行程序，该引擎仅适用于一般（general）级数据；{dataset} 的级别为 {grade}',
  },
  'plan.name': {
    en: 'two outputs would be called `{name}`: rename one (`quality` adds {name}_defaulted and {name}_clamped; several quantiles add their q)',
    zh: '有两个输出名为 {name}：请重命名其一（`quality` 会增加 {name}_defaulted 与 {name}_clamped；多个分位数会附加各自的 q）',
  },
  'plan.bounds': {
    en: 'output `{name}` needs bounds (or clip) of finite numbers in order, and a granularity, if any, of 10^-k or 2^-k with at most 2^47 steps to either side of 0',
    zh: '输出 {name} 需要按序的有限界限（bounds 或 clip）；如有 granularity，须为 10^-k 或 2^-k，且自 0 起每侧不超过 2^47 步',
  },
  'plan.by': {
    en: 'output `{name}`: `by` column `{by}` must list each value once, all of one type (here: {type}), and the same list wherever it stands',
    zh: '输出 {name}：`by` 列 {by} 的取值须互不重复、类型一致（此处应为 {type}），且各处列表相同',
  },
  'plan.unknownParam': {
    en: 'the program has no parameter `{name}`; parameters: {known}',
    zh: '程序没有参数 {name}；可用参数：{known}',
  },
  'plan.missingParam': {
    en: 'parameter `{name}` ({type}) has no default: give its value',
    zh: '参数 {name}（{type}）没有默认值：请给出取值',
  },
  'plan.wrongParam': {
    en: 'parameter `{name}` must be of type {type}: finite numbers, at most {max} of them, or well-formed text of at most 64 KiB',
    zh: '参数 {name} 的类型须为 {type}：有限数值（至多 {max} 个），或不超过 64 KiB 的有效文本',
  },
  'plan.tooLong': {
    en: 'this run could take {hours} hours at the slowest speed that a runner may have; at most 24 are planned: state less fuel, or fewer or shorter blocks',
    zh: '按运行程序允许的最低速度，本次运行可能需要 {hours} 小时，上限为 24 小时：请减少 fuel，或减少分块数、缩短每块时间',
  },
  'plan.severalInputs': {
    en: 'the program reads several datasets, whose ledgers this version cannot charge in one job; name one under `inputs`',
    zh: '该程序读取多个数据集，当前版本无法在一次作业中同时计入它们的预算；请在 inputs 中只保留一个数据集',
  },
} as const;
