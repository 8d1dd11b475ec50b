/** Notes that go with every answer. */
export const NOTE_WORDS = {
  'note.unit': {
    en: 'Each `{unit}` counts in at most {cells} group(s) and with at most {rows} row(s) in each; COUNT(*) counts rows within these limits.',
    zh: '每个 {unit} 最多计入 {cells} 个分组，每组最多 {rows} 行；COUNT(*) 在此限度内统计行数。',
  },
  'note.mapUnit': {
    en: 'Each `{unit}` counts in at most {cells} group(s) and with at most {rows} record(s) in each; vectors are clipped per `{unit}` instead.',
    zh: '每个 {unit} 最多计入 {cells} 个分组，每组最多 {rows} 条记录；向量则按 {unit} 截断。',
  },
  'note.blocks': {
    en: 'The program ran once on each of {count} blocks of units; its answers are clamped and averaged, and a block on which it failed answered its default.',
    zh: '程序在 {count} 个单元分块上各运行一次；其结果经截断后取平均，运行失败的分块以默认值作答。',
  },
  'note.faults': {
    en: 'Records on which the program failed contribute nothing; how many they were is not stated unless `quality` was asked for.',
    zh: '程序运行失败的记录不计入任何结果；除非请求了 `quality`，否则不说明其数量。',
  },
  'note.clip': {
    en: 'Of `{argument}`, the sum of one unit in one group is clipped to a length (L2 norm) of {clip}.',
    zh: '{argument}：每个单元在每个分组中的合计向量按长度（L2 范数）{clip} 截断。',
  },
  'note.program': {
    en: 'Program {digest}, engine {engine}.',
    zh: '程序 {digest}，引擎 {engine}。',
  },
  'note.rowUnit': {
    en: 'One row is protected at a time; a person with several rows is not protected as a whole.',
    zh: '以单行为保护单位；拥有多行的个人不作为整体受到保护。',
  },
  'note.bounds': {
    en: 'Values of `{argument}` are clamped to [{low}, {high}] before they are summed.',
    zh: '{argument} 的取值在求和前被截断到 [{low}, {high}]。',
  },
  'note.average': {
    en: 'AVG weighs every unit’s rows within the limits; it is not SUM divided by COUNT.',
    zh: 'AVG 对每个单元按限度内的行加权；它不等于 SUM 除以 COUNT。',
  },
  'note.thresholded': {
    en: 'A key is shown only if at least {cohort} units have it and its noisy count passes a threshold: an absent key is not zero.',
    zh: '只有至少 {cohort} 个单元拥有且加噪计数超过阈值的分组值才会出现：未出现的分组不等于零。',
  },
  'note.listed': {
    en: 'Every listed key has a value, also when nobody is in it; small values may be noise alone.',
    zh: '每个列出的分组值都有结果，即使其中无人；较小的数值可能全是噪声。',
  },
  'note.hideBelow': {
    en: 'A group whose noisy count of units is below {below} is withheld (null, COHORT).',
    zh: '加噪单元数低于 {below} 的分组不予显示（null，COHORT）。',
  },
  'note.noise': {
    en: 'Noise: discrete {mechanism}, epsilon {epsilon}, delta {delta} for this answer; low and high cover the noise at 95 %, not the clamping.',
    zh: '噪声：离散 {mechanism} 机制，本次 epsilon {epsilon}、delta {delta}；low 与 high 为噪声的 95% 区间，不含截断影响。',
  },
  'note.zone': {
    en: 'Days and months are those of {zone}.',
    zh: '日与月按 {zone} 时区划分。',
  },
  'note.version': {
    en: 'Dataset {dataset}, version {version}.',
    zh: '数据集 {dataset}，版本 {version}。',
  },
  'note.release': {
    en: 'Release {release}.',
    zh: '发布编号 {release}。',
  },
} as const;
