/** Sentences about programs as they run: id, English, Chinese. */
export const PROGRAM_WORDS = {
  'program.aborted': {
    en: 'the program ended its isolate for more records than the policy of the dataset allows; nothing is released, and what the run reserved of the privacy budget stays spent',
    zh: '该程序导致隔离环境终止的记录数超过数据集策略的上限；不释放任何结果，本次运行预留的隐私预算视为已消耗',
  },
  'program.killed': {
    en: 'the run was stopped because what it rests on was revoked, withdrawn or suspended; nothing is released, and what it reserved stays spent',
    zh: '本次运行所依据的授权、程序、数据集或账户已被撤销、撤回或暂停，运行已终止；不释放任何结果，预留的额度视为已消耗',
  },
  'program.notAdmitted': {
    en: 'the program is not admitted; `unseen program check` says what to change, with line and column',
    zh: '该程序未通过准入检查；`unseen program check` 会按行列说明需要修改之处',
  },
  'program.timeLimit': {
    en: 'the run of the program took longer than its time limit and was ended',
    zh: '程序运行超过时间上限，已被终止',
  },
} as const;
