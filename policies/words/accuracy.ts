/** Sentences about how exact an answer is to be, or will be, and what that costs. */
export const ACCURACY_WORDS = {
  'accuracy.both': {
    en: 'epsilon and maxError (--epsilon and --max-error): give one of the two',
    zh: 'epsilon 与 maxError（--epsilon 与 --max-error）只能给出其一',
  },
  'accuracy.alone': {
    en: 'atSize (--at-size) is the size of group for which maxError (--max-error) is meant: give maxError too',
    zh: 'atSize（--at-size）是 maxError（--max-error）所针对的人群规模：请同时给出 maxError',
  },
  'accuracy.maxError': {
    en: 'maxError must be a number above 0; asked: {asked}',
    zh: 'maxError 必须大于 0；所求：{asked}',
  },
  'accuracy.size': {
    en: 'atSize must be a whole number from 1; asked: {asked}',
    zh: 'atSize 必须为不小于 1 的整数；所求：{asked}',
  },
  'accuracy.atSize': {
    en: 'the error of `{name}` depends on the size of the group: state it with atSize (--at-size), for example 1000',
    zh: '`{name}` 的误差取决于人群规模：请用 atSize（--at-size）给出规模，例如 1000',
  },
  'accuracy.unreachable': {
    en: 'maxError: `{name}` cannot be right to ±{limit} (95 %) with epsilon up to {max} (perJob.max); nearest: maxError {error}, with epsilon {epsilon}',
    zh: 'maxError：epsilon 不超过 {max}（perJob.max）时，`{name}` 的误差达不到 ±{limit}（95%）；最接近的是 maxError {error}，需 epsilon {epsilon}',
  },
  'accuracy.budget': {
    en: 'what is left of the privacy budget of `{lineage}` is not enough for maxError {limit}; nearest: maxError {error}, with epsilon {epsilon}',
    zh: '`{lineage}` 剩余的隐私预算不足以达到 maxError {limit}；最接近的是 maxError {error}，需 epsilon {epsilon}',
  },
  'quote.summary': {
    en: 'This answer costs {share} % of the remaining budget (ε {epsilon}); {errors} in 95 of 100 answers, and {answers} such answers are left, this one included.',
    zh: '本次回答消耗剩余预算的 {share}%（ε {epsilon}）；100 次回答中有 95 次{errors}；连同本次，此类回答还可进行 {answers} 次。',
  },
  'quote.summaryUnlimited': {
    en: 'The budget of these data has no limit (ε {epsilon}); {errors} in 95 of 100 answers, and any number of such answers are left.',
    zh: '该数据的预算不设上限（ε {epsilon}）；100 次回答中有 95 次{errors}；此类回答次数不限。',
  },
  'quote.summaryRepeat': {
    en: 'This question was answered before, and the stored answer costs nothing; {errors} in 95 of 100 answers.',
    zh: '该问题此前已回答，返回已存结果不消耗预算；100 次回答中有 95 次{errors}。',
  },
  'quote.error': {
    en: '`{name}` will be right to ±{half}',
    zh: '`{name}` 的误差不超过 ±{half}',
  },
  'quote.errorAtSize': {
    en: '`{name}` will be right to ±{half} in a group of {size}',
    zh: '`{name}` 在规模为 {size} 的分组中误差不超过 ±{half}',
  },
  'quote.more': {
    en: '{count} more as listed',
    zh: '另有 {count} 项结果如所列',
  },
} as const;
