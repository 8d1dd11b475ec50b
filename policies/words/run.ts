/** Sentences of the run area: id, English, Chinese. */
export const RUN_WORDS = {
  'budget.exhausted': {
    en: 'this request costs {cost} {unit} of the privacy budget that all requests to the dataset share, and {left} {unit} is left; ask with a smaller epsilon or wait for a new budget',
    zh: '本次请求需要消耗该数据集共享隐私预算 {cost} {unit}，现仅余 {left} {unit}；请减小 epsilon，或等待新的预算',
  },
  'budget.thresholdExhausted': {
    en: 'this request needs a delta of {cost} to select its keys, and {left} is left of what all requests to the dataset share; ask with a smaller thresholdDelta or group by listed keys',
    zh: '本次请求的分组键筛选需要消耗 delta {cost}，该数据集共享额度现仅余 {left}；请减小 thresholdDelta，或改用已列出取值的分组键',
  },
  'jail.missing': {
    en: 'the policy of this dataset demands a full jail, and this machine lacks: {layers}; add them, or use a machine that has them',
    zh: '该数据集的策略要求完整的隔离环境，而本机缺少以下隔离层：{layers}；请补齐后重试，或改用具备这些隔离层的机器',
  },
  'source.unreadable': {
    en: 'the source file `{path}` is missing, cannot be read, or is not a whole {type} file',
    zh: '数据源文件 `{path}` 不存在、无法读取，或不是完整的 {type} 文件',
  },
  'source.changed': {
    en: 'the source file `{path}` is not the one that was registered: it was replaced or changed since; register it again as a new version',
    zh: '数据源文件 `{path}` 自登记后已被替换或修改；请将其登记为新版本',
  },
  'source.timeLimit': {
    en: 'the run over the source file took longer than its time limit and was ended',
    zh: '对数据源的计算超过时间上限，已被终止',
  },
  'source.fault': {
    en: 'the process that reads the source file ended or answered wrongly; this is a fault of the machine or of this software, not of the request',
    zh: '读取数据源的进程异常终止或返回了无效结果；这是机器或本软件的故障，与请求内容无关',
  },
  'worker.fault': {
    en: 'the process that runs programs ended or answered wrongly; this is a fault of the machine or of this software, not of the request',
    zh: '运行程序的进程异常终止或返回了无效结果；这是机器或本软件的故障，与请求内容无关',
  },
  'runner.noSource': {
    en: 'this runner has no source for the dataset version; register the dataset again',
    zh: '本运行程序没有该数据集版本的数据源；请重新登记数据集',
  },
  'runner.policyChanged': {
    en: 'manifest or policy of the dataset changed after the request was admitted; nothing was read or spent; ask again',
    zh: '请求受理后，数据集的清单或策略已变更；未读取数据，也未消耗预算；请重新提交',
  },
} as const;
