/** Sentences of the command line and the lab. */
export const CLI_WORDS = {
  'lab.released': {
    en: 'released with noise; each value stands beside its 95 % interval',
    zh: '已加噪发布；每个数值附有 95% 区间',
  },
  'lab.repeat': {
    en: 'the same question was answered before: the stored answer comes back at no cost',
    zh: '同样的问题此前已回答：返回已存结果，不消耗预算',
  },
  'lab.stateUnusable': {
    en: 'the state directory `{directory}` cannot be used: it cannot be made or read, or holds a journal of another program',
    zh: '状态目录 `{directory}` 无法使用：无法创建或读取，或其中是其他程序的日志',
  },
  'lab.stateBusy': {
    en: 'the state directory `{directory}` is in use by process {pid}; try again when it has ended',
    zh: '状态目录 `{directory}` 正被进程 {pid} 使用；请待其结束后重试',
  },
  'lab.ledgerUnit': {
    en: 'lineage `{lineage}` already has a ledger of another kind in this state directory; delta of its budget cannot become or cease to be 0',
    zh: '血缘 `{lineage}` 在该状态目录中已有另一种账本；其预算的 delta 不能在 0 与非 0 之间改变',
  },
  'lab.columnAbsent': {
    en: '{file}: columns.{column}: the source file has no such column',
    zh: '{file}：columns.{column}：数据源文件中没有该列',
  },
  'lab.maxRows': {
    en: '{file}: maxRows: the source file has more rows than the declared {max}',
    zh: '{file}：maxRows：数据源文件的行数超过声明的 {max}',
  },
  'lab.alias': {
    en: '{file}: lineage: the source file already belongs to lineage `{lineage}`; two ledgers over one file would double its budget',
    zh: '{file}：lineage：该数据源文件已属于血缘 `{lineage}`；同一文件不得有两个账本，否则预算会翻倍',
  },
  'lab.badLine': {
    en: 'the line is not a JSON object',
    zh: '该行不是 JSON 对象',
  },
  'lab.field': {
    en: '{field}: {rule}',
    zh: '{field}：{rule}',
  },
  'lab.programs': {
    en: 'programs are not built in this version: send SQL',
    zh: '本版本尚不支持程序：请提交 SQL',
  },
  'lab.bug': {
    en: 'this is a fault of Unseen itself; nothing was released',
    zh: '这是 Unseen 自身的故障；没有发布任何内容',
  },
} as const;
