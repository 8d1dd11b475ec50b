/** Sentences about a program that was tried on made-up records: what went wrong, where, and what it means. */
export const PROGRAM_TRIAL_WORDS = {
  'trial.fault.load': {
    en: 'the module cannot be loaded: {text}',
    zh: '模块无法加载：{text}',
  },
  'trial.fault.died': {
    en: 'ends its isolate, by memory or by time; a job of many such records is ended, and gives nothing',
    zh: '因内存或时间超限而终止隔离环境；此类记录过多时，任务会被终止且不给出任何结果',
  },
  'trial.fault.throw': {
    en: 'throws {text}; it contributes nothing',
    zh: '抛出 {text}；不计入任何结果',
  },
  'trial.fault.fuel': {
    en: 'uses up its fuel, or nests calls more than 100 deep; it contributes nothing: do less, or state more `fuel`',
    zh: '耗尽 fuel，或调用嵌套超过 100 层；不计入任何结果：请减少计算量，或在清单中增大 `fuel`',
  },
  'trial.fault.missing': {
    en: '`{name}` is not among what is returned; it contributes nothing there',
    zh: '返回值中没有 `{name}`；不计入该输出',
  },
  'trial.fault.type': {
    en: '`{name}` should be a number, or a list of numbers for a vector, and is {text}; it contributes nothing there',
    zh: '`{name}` 应为数值（vector 应为数值列表），实际为 {text}；不计入该输出',
  },
  'trial.fault.nan': {
    en: '`{name}` is {text}, which is no finite number; it contributes nothing there',
    zh: '`{name}` 为 {text}，不是有限数值；不计入该输出',
  },
  'trial.fault.length': {
    en: '`{name}` should have {length} entries and has {text}; it contributes nothing there',
    zh: '`{name}` 应有 {length} 个元素，实际为 {text} 个；不计入该输出',
  },
  'trial.fault.key': {
    en: '`{name}` is {text}, which its list in the manifest does not have; it contributes nothing to what is grouped by it',
    zh: '`{name}` 为 {text}，不在清单所列取值之内；不计入按其分组的输出',
  },
  'trial.fault.clamped': {
    en: '`{name}` is {text}, which is outside of what the manifest states, and is clamped',
    zh: '`{name}` 为 {text}，超出清单声明的范围，已截断',
  },
  'trial.fault.returned': {
    en: 'returns {text}; it should return an object with a value for every output and key, and contributes nothing',
    zh: '返回了 {text}；应返回包含全部输出与分组列的对象，不计入任何结果',
  },
  'trial.share.map': {
    en: 'In a trial, {nothing} of {records} made-up records gave nothing.',
    zh: '试运行中，{records} 条模拟记录里有 {nothing} 条没有产生任何结果。',
  },
  'trial.share.blocks': {
    en: 'In a trial, {nothing} of {records} made-up blocks gave nothing.',
    zh: '试运行中，{records} 个模拟分块里有 {nothing} 个没有产生任何结果。',
  },
  'trial.assumed': {
    en: 'these parameters have no default and were made up for the trial: {names}',
    zh: '以下参数没有默认值，试运行时采用了临时取值：{names}',
  },
  'trial.refused': {
    en: 'no made-up record gave anything to `{output}`, so its answer would be noise alone; the first that went wrong was record or block {record}, line {line}: {what}',
    zh: '没有任何模拟记录为 `{output}` 产生结果，其答案将只是噪声；最先出错的是第 {record} 条记录（或分块），第 {line} 行：{what}',
  },
  'trial.refusedAssumed': {
    en: 'no made-up record gave anything to `{output}`, so its answer would be noise alone; the first that went wrong was record or block {record}, line {line}: {what}; parameters without a default were made up ({names}): state defaults that the program works with',
    zh: '没有任何模拟记录为 `{output}` 产生结果，其答案将只是噪声；最先出错的是第 {record} 条记录（或分块），第 {line} 行：{what}；没有默认值的参数采用了临时取值（{names}）：请为其声明可用的默认值',
  },
} as const;
