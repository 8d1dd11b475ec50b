/** Sentences of the gateway area: id, English, Chinese. */
export const GATEWAY_WORDS = {
  'storage.durable': {
    en: 'a committed transaction survives a power failure',
    zh: '已提交的事务在断电后仍然保留',
  },
  'storage.evaluation': {
    en: 'evaluation, not durable: a power failure may lose committed releases; use PostgreSQL with fsync on for anything that bills',
    zh: '仅供评估，不具持久性：断电可能丢失已提交的发布；任何计费场景请使用开启 fsync 的 PostgreSQL',
  },
  'storage.busy': {
    en: 'the directory `{directory}` is in use by process {pid}',
    zh: '目录 `{directory}` 正被进程 {pid} 使用',
  },
  'storage.full': {
    en: 'the disk of the database is full: nothing of this was recorded; try again when the operator has made room',
    zh: '数据库所在磁盘已满：本次操作未留下任何记录；请待运营方腾出空间后重试',
  },
  'storage.unreachable': {
    en: 'the database server cannot be reached with the configured address',
    zh: '无法用所配置的地址连接数据库服务器',
  },
  'storage.behind': {
    en: 'the tables of the database are older than this program and its role may not change them; open it once as their owner',
    zh: '数据库表的版本早于本程序，而当前角色无权更改；请先以表的所有者身份打开一次',
  },
  'storage.ahead': {
    en: 'the tables of the database are newer than this program; use the version that made them',
    zh: '数据库表的版本比本程序新；请使用建立它们的程序版本',
  },
  'storage.keyReused': {
    en: 'this Idempotency-Key was used before with another request',
    zh: '此 Idempotency-Key 已用于另一个请求',
  },
  'storage.noGrant': {
    en: 'no grant of your organisation covers this request',
    zh: '贵机构没有任何授权涵盖此请求',
  },
  'storage.revoked': {
    en: 'the grant, its holder or its dataset has been revoked or suspended',
    zh: '该授权、其持有方或其数据集已被撤销或暂停',
  },
  'storage.quota': {
    en: 'the quota of this grant does not allow this request ({scope})',
    zh: '此授权的用量限额不允许此请求（{scope}）',
  },
  'storage.budget': {
    en: 'the privacy budget of `{lineage}` does not allow this request',
    zh: '`{lineage}` 的隐私预算不允许此请求',
  },
  'storage.share': {
    en: 'what is left of the privacy budget of `{lineage}` does not cover the share that this grant sets aside; lower `budgetShare`',
    zh: '`{lineage}` 的剩余隐私预算不足以划出此授权的专用份额；请降低 `budgetShare`',
  },
  'storage.frozen': {
    en: 'the privacy budget of `{lineage}` is frozen until an operator has accounted for it',
    zh: '`{lineage}` 的隐私预算已冻结，须待运营方核对',
  },
  'storage.killed': {
    en: 'the job was stopped before its answer was released; nothing was released',
    zh: '作业在结果发布之前被终止；未发布任何内容',
  },
  'storage.lost': {
    en: 'the runner of this job stopped; nothing was released',
    zh: '执行此作业的运行程序已停止；未发布任何内容',
  },
  'storage.notTaken': {
    en: 'no runner took this job in time; nothing was read and nothing was spent',
    zh: '没有运行程序及时接收此作业；未读取数据，也未消耗预算',
  },
  'storage.stale': {
    en: 'this attempt at the job has ended; it may not write any more',
    zh: '对此作业的这次尝试已经结束，不得再写入',
  },
  'storage.sourceHeld': {
    en: 'these data are registered already under another lineage; a second ledger over the same data is refused',
    zh: '这些数据已登记在另一血缘之下；不得对同一数据设立第二个账本',
  },
  'storage.lineageFixed': {
    en: 'dataset `{dataset}` belongs to another organisation, lineage or population; it cannot change them',
    zh: '数据集 `{dataset}` 属于另一机构、血缘或人群，不能更改',
  },
  'storage.capacityFixed': {
    en: 'the capacity of lineage `{lineage}` was fixed at its first use; it can be lowered, not raised, and its unit stays',
    zh: '血缘 `{lineage}` 的容量在首次使用时已固定；只能降低，不能提高，单位也不能更改',
  },
  'storage.populationUnit': {
    en: 'population: the ledger `{population}` is of another kind; all datasets of a population have a budget whose delta is 0, or all one whose delta is not, or all none (unlimited)',
    zh: 'population：账本 `{population}` 属于另一种；同一人群的所有数据集，其预算的 delta 须全部为 0，或全部不为 0，或全部无上限（unlimited）',
  },
  'crypto.profileFixed': {
    en: 'cryptoProfile: the key in `{file}` is of the crypto profile `{made}`, and `{asked}` was asked for; a state keeps the profile that it began with',
    zh: 'cryptoProfile：`{file}` 中的密钥属于密码方案 `{made}`，而要求的是 `{asked}`；已有状态沿用其最初的方案',
  },
  'crypto.profileUnknown': {
    en: 'cryptoProfile: `{value}` is no crypto profile: international or sm',
    zh: 'cryptoProfile：`{value}` 不是密码方案：international 或 sm',
  },
  'storage.populationFixed': {
    en: 'population: lineage `{lineage}` belongs to another population, or to none, since its first use; it cannot change that',
    zh: 'population：血缘 `{lineage}` 自首次使用起即属于另一人群，或不属于任何人群；不能更改',
  },
  'api.rule.unknown': {
    en: 'is no field of this request',
    zh: '不是该请求的字段',
  },
  'api.rule.missing': {
    en: 'is required',
    zh: '为必填项',
  },
  'api.rule.type': {
    en: 'must be of type {expected}',
    zh: '类型必须是 {expected}',
  },
  'api.rule.oneOf': {
    en: 'must be one of: {values}',
    zh: '必须是以下之一：{values}',
  },
  'api.rule.size': {
    en: 'is too long, too short or out of range',
    zh: '长度或取值超出范围',
  },
  'api.rule.form': {
    en: 'has a form that is not accepted',
    zh: '格式不被接受',
  },
  'api.fields': {
    en: '{count} field(s) of the request are not accepted',
    zh: '请求中有 {count} 个字段不被接受',
  },
  'api.malformed': {
    en: 'the body is not JSON, or is nested more than {depth} levels deep',
    zh: '请求体不是 JSON，或嵌套超过 {depth} 层',
  },
  'api.mediaType': {
    en: 'send the body as {expected}',
    zh: '请以 {expected} 发送请求体',
  },
  'api.tooLarge': {
    en: 'a request body has at most {bytes} bytes',
    zh: '请求体最多 {bytes} 字节',
  },
  'api.token': {
    en: 'send `Authorization: Bearer` with a token of this issuer that has not expired',
    zh: '请用 `Authorization: Bearer` 提供本签发方未过期的令牌',
  },
  'api.notFound': {
    en: 'there is no such resource, or it is not yours to see',
    zh: '没有该资源，或你无权查看',
  },
  'api.method': {
    en: 'allowed here: {allowed}',
    zh: '此处允许的方法：{allowed}',
  },
  'api.inFlight': {
    en: 'a request with this Idempotency-Key is under way; ask again when it has ended',
    zh: '使用该 Idempotency-Key 的请求正在处理，请稍后重试',
  },
  'api.keyForm': {
    en: 'an Idempotency-Key has 1 to 128 printable characters',
    zh: 'Idempotency-Key 须为 1 至 128 个可打印字符',
  },
  'api.rate': {
    en: 'wait {seconds} s before the next request',
    zh: '请等待 {seconds} 秒后再试',
  },
  'api.cursor': {
    en: 'this cursor was not made by this list',
    zh: '该游标不是由此列表生成',
  },
  'api.internal': {
    en: 'the fault is ours; it has been recorded under the id of this request',
    zh: '此为系统故障，已按请求编号记录',
  },
  'api.noOperator': {
    en: 'no organisation runs this platform; an operator must be set up first',
    zh: '平台尚无运营机构；须先设立运营机构',
  },
  'api.unknownParty': {
    en: '`{field}` names an organisation, account or dataset that is not registered',
    zh: '{field} 指向的机构、账户或数据集尚未登记',
  },
  'api.otherProvider': {
    en: 'dataset `{dataset}` is not provided by `{authoriser}`',
    zh: '数据集 {dataset} 不由 {authoriser} 提供',
  },
  'api.operatorOnly': {
    en: 'the role operator is for accounts of the organisation that runs the platform',
    zh: 'operator 角色仅限平台运营机构的账户',
  },
  'api.keyKind': {
    en: 'a client key is a public JWK: EC with P-256, or OKP with Ed25519',
    zh: '客户端密钥须为公钥 JWK：EC P-256 或 OKP Ed25519',
  },
  'api.evidence': {
    en: 'an approval that is recorded for someone else needs `evidence`: the id of the signed document',
    zh: '代录批准须填写 evidence：已签署文件的编号',
  },
  'api.sameApprover': {
    en: '`{account}` has approved the other side already; another person must decide',
    zh: '{account} 已批准另一方；须由他人审批',
  },
  'api.grantChanged': {
    en: 'the grant has been changed or revoked meanwhile; read it again',
    zh: '授权期间已变更或撤销；请重新读取',
  },
  'http.BAD_REQUEST': {
    en: 'The request could not be read',
    zh: '无法读取请求',
  },
  'http.UNAUTHENTICATED': {
    en: 'A valid access token is needed',
    zh: '需要有效的访问令牌',
  },
  'http.NOT_FOUND': {
    en: 'There is nothing here',
    zh: '此处没有内容',
  },
  'http.METHOD': {
    en: 'This method is not allowed here',
    zh: '此处不允许该方法',
  },
  'http.IN_FLIGHT': {
    en: 'The same request is being worked on',
    zh: '相同的请求正在处理',
  },
  'http.CONFLICT': {
    en: 'The request does not fit what is there',
    zh: '请求与现有内容冲突',
  },
  'http.TOO_LARGE': {
    en: 'The request is too large',
    zh: '请求过大',
  },
  'http.MEDIA_TYPE': {
    en: 'The media type is not accepted',
    zh: '不接受该媒体类型',
  },
  'http.RATE': {
    en: 'Too many requests',
    zh: '请求过于频繁',
  },
  'http.INTERNAL': {
    en: 'Internal error',
    zh: '内部错误',
  },
  'problem.PARSE': {
    en: 'The SQL text could not be read',
    zh: '无法解析 SQL 文本',
  },
  'problem.SHAPE': {
    en: 'The query has a form that is not answered',
    zh: '不支持该查询形式',
  },
  'problem.NOT_AGGREGATE': {
    en: 'The query returns rows, not aggregates',
    zh: '查询返回的是明细行而非聚合',
  },
  'problem.TABLE': {
    en: 'There is no such dataset',
    zh: '没有该数据集',
  },
  'problem.COLUMN': {
    en: 'A column may not be used',
    zh: '某列不可使用',
  },
  'problem.FUNCTION': {
    en: 'A function is not available',
    zh: '函数不可用',
  },
  'problem.PRIVATE_KEY': {
    en: 'The privacy unit may not be shown',
    zh: '隐私单元不可输出',
  },
  'problem.PREDICATE': {
    en: 'A condition is not answered',
    zh: '不支持该条件',
  },
  'problem.JOIN': {
    en: 'The join is not answered',
    zh: '不支持该连接',
  },
  'problem.TYPE': {
    en: 'Types do not fit',
    zh: '类型不匹配',
  },
  'problem.BOUNDS_MISSING': {
    en: 'A privacy unit could contribute without bound',
    zh: '单个隐私单元的贡献没有上限',
  },
  'problem.CELLS': {
    en: 'The answer would have too many cells',
    zh: '结果单元过多',
  },
  'problem.PARAM': {
    en: 'A parameter is not allowed',
    zh: '参数不被允许',
  },
  'problem.BUDGET': {
    en: 'The privacy budget is spent',
    zh: '隐私预算不足',
  },
  'problem.QUOTA': {
    en: 'The quota is used up',
    zh: '用量限额不足',
  },
  'problem.NO_GRANT': {
    en: 'No grant or role allows this',
    zh: '没有授权或角色允许此操作',
  },
  'problem.GRANT_EXPIRED': {
    en: 'The grant is not in force',
    zh: '授权不在有效期内',
  },
  'problem.GRANT_REVOKED': {
    en: 'The grant is revoked or suspended',
    zh: '授权已撤销或暂停',
  },
  'problem.PURPOSE_NOT_GRANTED': {
    en: 'No grant covers this purpose',
    zh: '没有授权覆盖该用途',
  },
  'problem.OUTPUT_KIND': {
    en: 'The output kind is not granted',
    zh: '未授权该成果形式',
  },
  'problem.GRADE': {
    en: 'The grade of the data does not allow this',
    zh: '数据级别不允许此操作',
  },
  'problem.MODE': {
    en: 'The manner of use is not granted',
    zh: '未授权该使用方式',
  },
  'problem.JAIL': {
    en: 'A demanded layer of isolation is missing',
    zh: '缺少所要求的隔离层',
  },
  'problem.PROGRAM_NOT_ADMITTED': {
    en: 'The program is not admitted',
    zh: '程序未通过准入检查',
  },
  'problem.PROGRAM_NOT_APPROVED': {
    en: 'The program is not approved',
    zh: '程序未获批准',
  },
  'problem.DIFFERENCING': {
    en: 'The answer would single out a small group',
    zh: '结果可能暴露小群体',
  },
  'problem.CONFIG': {
    en: 'A document is not valid',
    zh: '文件内容无效',
  },
  'problem.BAD_LINE': {
    en: 'A line is not JSON',
    zh: '该行不是 JSON',
  },
  'problem.SOURCE_UNREADABLE': {
    en: 'The source cannot be read',
    zh: '数据源无法读取',
  },
  'problem.SOURCE_CHANGED': {
    en: 'The source was changed',
    zh: '数据源已被改动',
  },
  'problem.RUN_LIMIT': {
    en: 'The run took too long',
    zh: '运行超出时限',
  },
  'problem.PROGRAM_ABORTED': {
    en: 'The program was aborted',
    zh: '程序被中止',
  },
  'problem.MACHINE_FAULT': {
    en: 'A machine failed',
    zh: '机器故障',
  },
  'problem.KILLED': {
    en: 'The job was stopped',
    zh: '作业已被终止',
  },
  'problem.STATE_BUSY': {
    en: 'The state is in use',
    zh: '状态正被占用',
  },
  'fix.PARSE': {
    en: 'send one SELECT statement that PostgreSQL would accept',
    zh: '请提交一条符合 PostgreSQL 语法的 SELECT 语句',
  },
  'fix.SHAPE': {
    en: 'rewrite the query with the clauses that the manual lists',
    zh: '请只使用手册列出的子句改写查询',
  },
  'fix.NOT_AGGREGATE': {
    en: 'select COUNT, SUM, AVG or another aggregate, and only grouped columns beside it',
    zh: '请选择 COUNT、SUM、AVG 等聚合，其余列须列入 GROUP BY',
  },
  'fix.TABLE': {
    en: 'name one of the datasets that are listed under /v1/datasets',
    zh: '请使用 /v1/datasets 列出的数据集名称',
  },
  'fix.COLUMN': {
    en: 'use columns of the dataset that your grant covers',
    zh: '请使用授权所覆盖的列',
  },
  'fix.FUNCTION': {
    en: 'use one of the functions that the manual lists',
    zh: '请使用手册列出的函数',
  },
  'fix.PRIVATE_KEY': {
    en: 'count the privacy unit with COUNT(DISTINCT …); it cannot be shown or filtered on',
    zh: '隐私单元只能用 COUNT(DISTINCT …) 计数，不能输出或用于筛选',
  },
  'fix.PREDICATE': {
    en: 'put conditions on rows into WHERE and conditions on answers into HAVING',
    zh: '对行的条件写入 WHERE，对结果的条件写入 HAVING',
  },
  'fix.JOIN': {
    en: 'ask one dataset at a time',
    zh: '请每次只查询一个数据集',
  },
  'fix.TYPE': {
    en: 'compare and compute values of one type',
    zh: '请对同一类型的值进行比较和计算',
  },
  'fix.BOUNDS_MISSING': {
    en: 'aggregate a column that has bounds in the manifest, or ask the provider to declare them',
    zh: '请聚合已声明取值范围的列，或请数据提供方补充声明',
  },
  'fix.CELLS': {
    en: 'group by fewer keys or fewer periods',
    zh: '请减少分组键或时间分段',
  },
  'fix.PARAM': {
    en: 'correct the field that the message names',
    zh: '请更正提示所指的字段',
  },
  'fix.BUDGET': {
    en: 'ask with a smaller epsilon, or wait for a new budget',
    zh: '请减小 epsilon，或等待新的预算',
  },
  'fix.QUOTA': {
    en: 'wait for the next day if the limit is daily, or have the quota raised',
    zh: '如为按日限额可待次日，或申请提高额度',
  },
  'fix.NO_GRANT': {
    en: 'apply for a grant that covers this request',
    zh: '请申请覆盖该请求的授权',
  },
  'fix.GRANT_EXPIRED': {
    en: 'use the grant within its term, or renew it',
    zh: '请在有效期内使用授权，或申请续期',
  },
  'fix.GRANT_REVOKED': {
    en: 'ask whoever revoked or suspended it, or apply anew',
    zh: '请联系作出撤销或暂停的一方，或重新申请',
  },
  'fix.PURPOSE_NOT_GRANTED': {
    en: 'state a purpose and scene that the grant names, or apply for this one',
    zh: '请使用授权所列的用途和场景，或就该用途提出申请',
  },
  'fix.OUTPUT_KIND': {
    en: 'ask for an output kind that the grant names',
    zh: '请使用授权所列的成果形式',
  },
  'fix.GRADE': {
    en: 'ask a dataset of a lower grade, or in a manner that its grade allows',
    zh: '请改用级别允许的方式，或改用其他级别的数据集',
  },
  'fix.MODE': {
    en: 'ask in a manner that the grant names',
    zh: '请使用授权所列的执行方式',
  },
  'fix.JAIL': {
    en: 'wait until a runner with all demanded layers is at work',
    zh: '请待具备全部隔离层的运行环境就绪',
  },
  'fix.PROGRAM_NOT_ADMITTED': {
    en: 'correct the findings of `unseen program check`',
    zh: '请按 `unseen program check` 的提示修改程序',
  },
  'fix.PROGRAM_NOT_APPROVED': {
    en: 'have this digest of the program approved',
    zh: '请先让该程序摘要获得批准',
  },
  'fix.DIFFERENCING': {
    en: 'ask for groups that differ by at least the minimum cohort',
    zh: '请使各次查询的人群差异不低于最小群体数',
  },
} as const;
