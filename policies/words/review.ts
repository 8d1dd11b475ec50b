/** Sentences about answers that wait for a person: id, English, Chinese. */
export const REVIEW_WORDS = {
  'review.kindOfPolicy': {
    en: 'the policy of this dataset allows the output kinds {listed}, not `{asked}`',
    zh: '该数据集的策略允许的成果形式是 {listed}，不含 {asked}',
  },
  'review.modelSize': {
    en: 'a `model` has at most {max} parameters, and this request plans {planned}; group by fewer keys, or ask for a `statistic`',
    zh: 'model 最多含 {max} 个参数，而本次请求计划输出 {planned} 个；请减少分组，或改为申请 statistic',
  },
  'review.nobodyHere': {
    en: 'the policy says that a person reviews every answer, and in the lab there is nobody to do it; register the dataset with a server, or rehearse with a copy of the policy that says `release: automatic`',
    zh: '策略要求每个结果均须人工审查，而实验环境中无人审查；请将数据集登记到服务器，或使用写明 `release: automatic` 的策略副本进行演练',
  },
  'review.waiting': {
    en: 'the same question was asked under this grant in job {job}, and a person has yet to decide about its answer; wait for that job: asking again gives no other answer',
    zh: '该授权下的作业 {job} 已提出同一问题，其结果尚待人工决定；请等待该作业，重复提问不会得到另一份结果',
  },
  'review.otherKind': {
    en: 'this question was answered under this grant as a kind that a rule releases, and that answer stands; ask for it as `statistic` or `index`',
    zh: '该问题已在此授权下按规则自动发布的成果形式作答，该结果继续有效；请以 statistic 或 index 形式申请',
  },
  'review.decided': {
    en: 'the release of this job was decided already; a decision stands',
    zh: '该作业的发布已有决定；决定一经作出即不可更改',
  },
  'review.stopped': {
    en: 'the grant, its holder or its dataset has been revoked or suspended: this answer can be rejected, not released',
    zh: '该授权、其持有方或其数据集已被撤销或暂停：该结果只能驳回，不能发布',
  },
  'review.rejected.KIND_MISMATCH': {
    en: 'a reviewer rejected the answer: it is not of the kind that was declared',
    zh: '审查人驳回了该结果：其内容与申报的成果形式不符',
  },
  'review.rejected.PURPOSE_MISMATCH': {
    en: 'a reviewer rejected the answer: it does not serve the purpose or scene of the grant',
    zh: '审查人驳回了该结果：其内容不符合授权的用途或场景',
  },
  'review.rejected.GROUPS_TOO_FINE': {
    en: 'a reviewer rejected the answer: its groups are too fine to be released',
    zh: '审查人驳回了该结果：分组过细，不宜发布',
  },
  'review.rejected.LISTED_CONTENT': {
    en: 'a reviewer rejected the answer: it holds content that must not leave by law or agreement',
    zh: '审查人驳回了该结果：含有依法或依约不得对外提供的内容',
  },
  'review.rejected.RIGHTS_IN_DOUBT': {
    en: 'a reviewer rejected the answer: the rights to release it are in doubt',
    zh: '审查人驳回了该结果：发布该结果的权利依据存疑',
  },
  'problem.RELEASE_WAITING': {
    en: 'The answer to this question waits for a person',
    zh: '该问题的结果正等待人工审查',
  },
  'problem.RELEASE_REJECTED': {
    en: 'A reviewer did not release the answer',
    zh: '审查人未予发布该结果',
  },
  'fix.RELEASE_WAITING': {
    en: 'wait for the job that is named; `unseen job wait` prints its answer when it is released',
    zh: '请等待所指的作业；发布后可用 `unseen job wait` 查看结果',
  },
  'fix.RELEASE_REJECTED': {
    en: 'ask another question, or agree with the provider on what may be released',
    zh: '请改提其他问题，或与数据提供方商定可发布的内容',
  },
  'cli.release': { en: 'answers that wait for a person', zh: '等待人工审查的结果' },
  'cli.release.list': {
    en: 'list the answers that wait for your decision (operator, provider)',
    zh: '列出等待你决定的结果（运营方、提供方）',
  },
  'cli.release.show': {
    en: 'print an answer that waits, exactly as its buyer would get it; the reading is recorded',
    zh: '按需求方将收到的原样显示待审结果；查阅会被记录',
  },
  'cli.release.approve': {
    en: 'release an answer, from now on and for good',
    zh: '批准发布结果，自此生效且不可更改',
  },
  'cli.release.reject': {
    en: 'refuse an answer for good; its budget stays spent',
    zh: '驳回结果且不可更改；已消耗的预算不退还',
  },
  'cli.release.approved': { en: 'the answer of job {job} is released', zh: '作业 {job} 的结果已发布' },
  'cli.release.rejected': {
    en: 'the answer of job {job} is rejected: {reason}',
    zh: '作业 {job} 的结果已驳回：{reason}',
  },
  'cli.flag.rejection': { en: 'why; told to the buyer', zh: '驳回理由代码；会告知需求方' },
  'cli.flag.note': {
    en: 'a note for the record; never told to the buyer',
    zh: '存档备注；不会告知需求方',
  },
  'cli.reviewed': {
    en: 'a person decides about this answer before it is released; `unseen job wait {job}` goes on waiting later',
    zh: '该结果须经人工决定后发布；之后可用 `unseen job wait {job}` 继续等待',
  },
  'cli.quoteReviewed': {
    en: 'a person decides about this answer before it is released',
    zh: '该结果须经人工决定后发布',
  },
  'cli.column.scene': { en: 'SCENE', zh: '场景' },
  'cli.column.kind': { en: 'KIND', zh: '成果形式' },
  'cli.column.since': { en: 'WAITS SINCE', zh: '等待起始' },
} as const;
