/** Sentences about programs as things that are submitted, reviewed, run and stopped: id, English, Chinese. */
export const PROGRAM_REVIEW_WORDS = {
  'programs.notApproved': {
    en: 'no approval of your organisation’s program `{program}` is in force: it is unknown, in review, rejected or withdrawn',
    zh: '贵机构的程序 {program} 没有有效的批准：该程序未登记、审查中、已驳回或已撤回',
  },
  'programs.suspended': {
    en: 'your organisation’s program `{program}` is suspended: {aborts} of its jobs ended as PROGRAM_ABORTED; it runs again when the operator and every provider have approved it anew',
    zh: '贵机构的程序 {program} 已被暂停：其 {aborts} 个作业以 PROGRAM_ABORTED 结束；须经运营方与各数据提供方重新批准后方可运行',
  },
  'cli.serve.aborted': {
    en: 'program `{program}` aborted its job; {aborts} since it was approved',
    zh: '程序 {program} 中止了其作业；自批准以来共 {aborts} 个',
  },
  'cli.serve.suspended': {
    en: 'program `{program}` aborted its job and is suspended; {aborts} since it was approved',
    zh: '程序 {program} 中止了其作业，现已暂停；自批准以来共 {aborts} 个',
  },
  'programs.orSql': {
    en: 'a request has either `sql` or `program`, and `params` only with a program',
    zh: '请求须含 `sql` 或 `program` 之一；`params` 只能与程序一同提交',
  },
  'programs.notAdmitted': {
    en: 'the program is not admitted; errors found: {count}, each below with its place',
    zh: '程序未通过准入检查；发现的错误数：{count}，位置见下',
  },
  'programs.known': {
    en: 'exactly this program was submitted already; a corrected one has another digest',
    zh: '完全相同的程序已提交过；更正后的程序有另一个摘要',
  },
  'programs.dataset': {
    en: 'the program reads `{dataset}`, which is no dataset that may be asked about',
    zh: '程序读取的 {dataset} 不是可供查询的数据集',
  },
  'programs.notKeepable': {
    en: 'holds a NUL character or half of a surrogate pair',
    zh: '含有 NUL 字符或不成对的代理字符',
  },
  'programs.unread': {
    en: 'nobody decides about code that he was not shown: read the program first',
    zh: '未查阅代码者不得作出决定：请先查阅该程序',
  },
  'programs.closed': {
    en: 'the review of this program has ended; a decision stands',
    zh: '该程序的审查已结束；决定不可更改',
  },
  'programs.already': {
    en: 'this side has approved the program, or this account has; every side is another person’s',
    zh: '该方或该账户已批准过此程序；每一方须由不同的人批准',
  },
  'programs.record': {
    en: '`{file}` is no record of a program: it holds texts under the names {fields}',
    zh: '{file} 不是程序登记信息：只能以 {fields} 为名填写文字',
  },
  'programs.withdrawn': { en: 'this program was withdrawn before', zh: '该程序此前已撤回' },
  'programs.notSide': {
    en: 'account `{account}` does not speak for the side `{side}` of this program',
    zh: '账户 {account} 不能代表该程序的 {side} 一方',
  },
  'programs.waitsFor.operator': { en: 'the approval of the operator', zh: '运营方的批准' },
  'programs.waitsFor.provider': {
    en: 'the approval of the provider `{organisation}`',
    zh: '数据提供方 {organisation} 的批准',
  },
  'programs.ownOrganisation': {
    en: 'nobody suspends the organisation that he acts for',
    zh: '不得暂停自己所代表的机构',
  },
  'cli.program': { en: 'programs that run beside the data', zh: '在数据侧运行的程序' },
  'cli.program.check': {
    en: 'say whether a program would be admitted, and if not where and why; nothing is sent',
    zh: '检查程序能否通过准入，并指出问题所在；不发送任何内容',
  },
  'cli.program.submit': { en: 'submit a program for review', zh: '提交程序以供审查' },
  'cli.program.list': { en: 'list the programs that you may see', zh: '列出可见的程序' },
  'cli.program.show': {
    en: 'show a program with its code, record and review; a reviewer’s reading is recorded',
    zh: '显示程序的代码、登记信息与审查情况；审查人的查阅会被记录',
  },
  'cli.program.approve': {
    en: 'approve a program for your side (operator, provider)',
    zh: '代表本方批准程序（运营方、提供方）',
  },
  'cli.program.reject': {
    en: 'reject a program for good, with code, reason and basis (operator, provider)',
    zh: '驳回程序，须写明代码、理由与依据（运营方、提供方）',
  },
  'cli.program.withdraw': {
    en: 'withdraw a program for good; its running jobs are killed',
    zh: '撤回程序；其运行中的作业将被终止',
  },
  'cli.run': { en: 'run an approved program and print its answer', zh: '运行已批准的程序并输出结果' },
  'cli.grant.suspend': {
    en: 'stop all use under a grant until it is resumed; its running jobs are killed',
    zh: '暂停授权下的一切使用，直至恢复；其运行中的作业将被终止',
  },
  'cli.grant.resume': { en: 'end the suspension of a grant (operator)', zh: '恢复授权（运营方）' },
  'cli.dataset.suspend': {
    en: 'stop all use of a dataset until it is resumed; its running jobs are killed',
    zh: '暂停数据集的一切使用，直至恢复；其运行中的作业将被终止',
  },
  'cli.dataset.resume': { en: 'end the suspension of a dataset (operator)', zh: '恢复数据集（运营方）' },
  'cli.dataset.withdraw': {
    en: 'end all use of a dataset for good; its running jobs are killed',
    zh: '永久终止数据集的使用；其运行中的作业将被终止',
  },
  'cli.organisation.suspend': {
    en: 'stop an organisation, what it asks and what is asked of its data (operator, supervisor)',
    zh: '暂停一个机构、其请求以及对其数据的请求（运营方、监管方）',
  },
  'cli.organisation.resume': {
    en: 'end the suspension of an organisation (operator)',
    zh: '恢复一个机构（运营方）',
  },
  'cli.flag.mode': {
    en: 'map or blocks; the manifest’s, if one is given',
    zh: 'map 或 blocks；给出清单时以清单为准',
  },
  'cli.flag.programManifest': { en: 'the program’s manifest (YAML or JSON)', zh: '程序清单（YAML 或 JSON）' },
  'cli.flag.record': {
    en: 'a YAML or JSON file with what the record says: algorithmType, modelType, scene, implementation, intellectualProperty, securityReview',
    zh: '登记信息文件（YAML 或 JSON）：algorithmType、modelType、scene、implementation、intellectualProperty、securityReview',
  },
  'cli.flag.program': { en: 'an approved program, by digest or name', zh: '已批准的程序（摘要或名称）' },
  'cli.flag.params': { en: 'a JSON file with the program’s parameters', zh: '程序参数文件（JSON）' },
  'cli.flag.quoteOnly': { en: 'say what it would cost, and run nothing', zh: '仅报价，不运行' },
  'cli.flag.approvalSide': {
    en: 'the side that you approve for; needed only by who could speak for both',
    zh: '所代表的一方；仅可代表两方者须注明',
  },
  'cli.flag.opinion': { en: 'the reviewer’s opinion, for the record', zh: '审查意见（存档）' },
  'cli.flag.programRejection': { en: 'the code of the reason', zh: '驳回理由代码' },
  'cli.flag.rejectionText': {
    en: 'the reason in words; the applicant reads it',
    zh: '驳回理由（申请方可见）',
  },
  'cli.flag.basis': { en: 'the rule or agreement that it rests on', zh: '所依据的规则或协议' },
  'cli.program.admitted': { en: 'admitted: {digest}', zh: '可准入：{digest}' },
  'cli.program.notAdmitted': { en: 'not admitted: {digest}', zh: '不予准入：{digest}' },
  'cli.program.approved': {
    en: 'approved for the side `{side}`; the program is {state}',
    zh: '已代表 {side} 一方批准；程序状态：{state}',
  },
  'cli.program.rejected': { en: 'program `{id}` is rejected: {reason}', zh: '程序 {id} 已驳回：{reason}' },
  'cli.program.withdrawn': { en: 'program `{id}` is withdrawn', zh: '程序 {id} 已撤回' },
  'cli.program.unknown': {
    en: 'no approved program is named `{name}`; `unseen program list` shows those you have',
    zh: '没有名为 {name} 的已批准程序；可用 `unseen program list` 查看',
  },
  'cli.isSuspended': { en: '`{id}` is suspended', zh: '`{id}` 已暂停' },
  'cli.isResumed': { en: '`{id}` is in use again', zh: '`{id}` 已恢复' },
  'cli.isWithdrawn': { en: '`{id}` is withdrawn for good', zh: '`{id}` 已永久撤回' },
  'cli.column.digest': { en: 'DIGEST', zh: '摘要' },
} as const;
