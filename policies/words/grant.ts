/** Sentences about grants and decisions: what a grant lacks, which condition a request fails, and what to do. */
export const GRANT_WORDS = {
  'grant.field.missing': {
    en: '`{field}` is missing: a grant states every one of its terms',
    zh: '缺少 {field}：授权的每一项条款都必须写明',
  },
  'grant.field.unknown': {
    en: '`{field}` is no field of a grant; remove it or correct its name',
    zh: '授权中没有 {field} 这一项；请删除或更正名称',
  },
  'grant.field.kind': {
    en: '`{field}` must be of type {expected}',
    zh: '{field} 的类型必须是 {expected}',
  },
  'grant.field.oneOf': {
    en: '`{field}` must be one of: {values}',
    zh: '{field} 必须是以下之一：{values}',
  },
  'grant.field.empty': {
    en: '`{field}` must not be empty',
    zh: '{field} 不能为空',
  },
  'grant.field.long': {
    en: '`{field}` is longer than {limit} characters',
    zh: '{field} 超过 {limit} 个字符',
  },
  'grant.field.form': {
    en: '`{field}` must have the form {form}',
    zh: '{field} 的格式必须是 {form}',
  },
  'grant.field.twice': {
    en: '`{field}` names `{name}` twice',
    zh: '{field} 重复列出了 {name}',
  },
  'grant.self': {
    en: '`{field}`: an organisation cannot grant to itself; authoriser and holder must differ',
    zh: '{field}：机构不能向自己授权；授权主体与被授权主体必须不同',
  },
  'grant.endsBeforeStart': {
    en: '`{field}` must be later than `start`',
    zh: '{field} 必须晚于 start',
  },
  'grant.otherClass': {
    en: '`{field}`: purpose `{purpose}` is not of the purpose class `{purposeClass}` that the grant states',
    zh: '{field}：用途 {purpose} 不属于该授权写明的用途类别 {purposeClass}',
  },
  'grant.verification': {
    en: '`{field}`: an answer about one named person or firm (verification) is never granted, in no setting; ask for the match rate over a list of at least the minimum cohort, as a `statistic`',
    zh: '{field}：任何设置下均不授权对单个特定个人或企业的核验；可改为以 statistic 形式给出名单匹配率，名单人数不得少于最小群体数',
  },
  'grant.consentMissing': {
    en: '`{field}` is required because `personalData` is true: name the consent that covers this purpose and recipient',
    zh: '因 personalData 为 true，必须填写 {field}：写明覆盖该用途和接收方的同意',
  },
  'grant.shareDelta': {
    en: '`{field}`: delta must be 0, without a thresholdDelta, where the budget of the dataset is pure (delta 0), and above 0 everywhere else',
    zh: '{field}：若数据集的预算 delta 为 0，则此处 delta 必须为 0 且不得写 thresholdDelta；否则 delta 必须大于 0',
  },

  'grant.role': {
    en: 'action `{action}` needs one of the roles {needed}; you act as {held}',
    zh: '操作 {action} 需要以下角色之一：{needed}；你的角色是 {held}',
  },
  'grant.notParty': {
    en: 'action `{action}` is open to your role only where your organisation is a party; it is none here',
    zh: '以你的角色执行 {action} 时，你所在机构须为当事方；此处不是',
  },
  'grant.none': {
    en: 'your organisation holds no grant for dataset `{dataset}`; apply for one, for purpose `{purpose}`',
    zh: '你所在机构没有数据集 {dataset} 的授权；请以用途 {purpose} 提出申请',
  },
  'grant.otherDataset': {
    en: 'grant `{grant}` covers {granted}, not dataset `{dataset}`; name one of those or apply for a grant',
    zh: '授权 {grant} 覆盖 {granted}，不含数据集 {dataset}；请改用已授权的数据集或另行申请',
  },
  'grant.undecided': {
    en: 'the request could not be compared with the grant in every dimension, and an uncertain use is refused; check: {dimensions}',
    zh: '请求无法与授权逐项比对，不能确定的使用一律拒绝；请检查：{dimensions}',
  },
  'grant.otherPolicy': {
    en: 'policy `{policy}` of this platform refuses the request; ask the operator what it requires',
    zh: '本平台的策略 {policy} 拒绝了该请求；请向运营机构了解其要求',
  },
  'grant.duties.operator': {
    en: 'staff of the operator cannot use data as a buyer; send the request from an account of the buyer',
    zh: '运营机构人员不得作为数据需求方使用数据；请由需求方账户提交',
  },
  'grant.duties.supervisor': {
    en: 'a supervisor runs no jobs; send the request from an account of the buyer without that role',
    zh: '监管人员不得运行作业；请由需求方不含该角色的账户提交',
  },
  'grant.duties.auditor': {
    en: 'an auditor reads and changes nothing; use an account without the auditor role for `{action}`',
    zh: '审计人员只能查阅，不能操作；请改用不含审计角色的账户执行 {action}',
  },
  'grant.duties.application': {
    en: '`{organisation}` applied for this and cannot approve it; another organisation must decide',
    zh: '{organisation} 是申请方，不能审批自己的申请；须由其他机构审批',
  },
  'grant.duties.submission': {
    en: 'you submitted this and cannot approve it; another person must decide',
    zh: '你是提交人，不能审批自己的提交；须由他人审批',
  },
  'grant.duties.billing': {
    en: 'an account with the billing role never reads query text; use an account without it',
    zh: '含计费角色的账户不能查看查询内容；请改用不含该角色的账户',
  },
  'grant.approval.provider': {
    en: 'grant `{grant}` lacks the approval of the data provider; it takes effect when both sides have approved',
    zh: '授权 {grant} 尚无数据提供方的批准；双方均批准后生效',
  },
  'grant.approval.buyer': {
    en: 'grant `{grant}` lacks the approval of the buyer; it takes effect when both sides have approved',
    zh: '授权 {grant} 尚无数据需求方的批准；双方均批准后生效',
  },
  'grant.approval.subject': {
    en: 'grant `{grant}` is for personal data and lacks the authorisation of the data subjects',
    zh: '授权 {grant} 涉及个人数据，尚无数据主体一方的授权',
  },
  'grant.consent': {
    en: 'dataset `{dataset}` is personal data and grant `{grant}` names no consent; amend the grant',
    zh: '数据集 {dataset} 为个人数据，而授权 {grant} 未写明同意依据；请变更授权',
  },
  'grant.channel': {
    en: 'grant `{grant}` is for the channel `{granted}`, the request came through `{asked}`',
    zh: '授权 {grant} 的渠道是 {granted}，请求的渠道是 {asked}',
  },
  'grant.version': {
    en: 'grant `{grant}` is for version `{granted}` of the dataset, the request is for `{asked}`',
    zh: '授权 {grant} 只覆盖数据集版本 {granted}，请求的版本是 {asked}',
  },
  'grant.rowScope': {
    en: 'grant `{grant}` covers the row scope `{granted}`, the request would read `{asked}`',
    zh: '授权 {grant} 的行范围是 {granted}，请求将读取 {asked}',
  },
  'grant.region': {
    en: 'grant `{grant}` is for holders in {granted}; your organisation is in `{asked}`',
    zh: '授权 {grant} 仅限以下地区的机构：{granted}；你所在机构属于 {asked}',
  },
  'grant.sector': {
    en: 'grant `{grant}` is for holders of the sectors {granted}; your organisation is of `{asked}`',
    zh: '授权 {grant} 仅限以下行业的机构：{granted}；你所在机构属于 {asked}',
  },
  'grant.revoked': {
    en: 'grant `{grant}` is revoked, through: {revoked}; ask the authoriser or apply anew',
    zh: '授权 {grant} 已被撤销（来源：{revoked}）；请联系授权主体或重新申请',
  },
  'grant.suspended.grant': {
    en: 'grant `{grant}` is suspended; ask the data provider or the supervisor who suspended it',
    zh: '授权 {grant} 已被暂停；请联系作出暂停的数据提供方或监管方',
  },
  'grant.suspended.dataset': {
    en: 'dataset `{dataset}` is suspended; ask its provider',
    zh: '数据集 {dataset} 已被暂停；请联系数据提供方',
  },
  'grant.suspended.provider': {
    en: 'the provider of dataset `{dataset}` is suspended; ask the operator',
    zh: '数据集 {dataset} 的提供方已被暂停；请联系运营机构',
  },
  'grant.suspended.client': {
    en: 'account `{client}` is suspended; ask your organisation or the operator',
    zh: '账户 {client} 已被暂停；请联系所在机构或运营机构',
  },
  'grant.suspended.org': {
    en: 'organisation `{organisation}` is suspended; ask the operator or the supervisor',
    zh: '机构 {organisation} 已被暂停；请联系运营机构或监管方',
  },
  'grant.early': {
    en: 'grant `{grant}` is valid from {start} on',
    zh: '授权 {grant} 自 {start} 起有效',
  },
  'grant.expired': {
    en: 'grant `{grant}` ended at {end} (set by: {endedBy}); renew it',
    zh: '授权 {grant} 已于 {end} 到期（依据：{endedBy}）；请续期',
  },
  'grant.purpose': {
    en: 'grant `{grant}` is for the purposes {granted} and what they contain, not for `{asked}`',
    zh: '授权 {grant} 的用途是 {granted}（含其下级用途），不含 {asked}',
  },
  'grant.scene': {
    en: 'grant `{grant}` is for the scene `{granted}`, not for `{asked}`',
    zh: '授权 {grant} 的应用场景是 {granted}，不含 {asked}',
  },
  'grant.rightToProcess': {
    en: 'running needs the right `process_use`; grant `{grant}` gives {granted}',
    zh: '运行需要数据加工使用权（process_use）；授权 {grant} 给予的是 {granted}',
  },
  'grant.rightToResell': {
    en: 'reselling a result needs the right `operate_product`; grant `{grant}` gives {granted}',
    zh: '转售结果需要数据产品经营权（operate_product）；授权 {grant} 给予的是 {granted}',
  },
  'grant.manner': {
    en: 'grant `{grant}` allows the manners {granted}, not `{asked}`',
    zh: '授权 {grant} 允许的执行方式是 {granted}，不含 {asked}',
  },
  'grant.program': {
    en: 'grant `{grant}` lists the programs {granted}, not `{asked}`',
    zh: '授权 {grant} 列出的程序是 {granted}，不含 {asked}',
  },
  'grant.programsManner': {
    en: '`{field}` lists programs, but `manners` does not include `program`',
    zh: '`{field}` 列出了程序，但 `manners` 中没有 `program`',
  },
  'grant.grade.core': {
    en: 'dataset `{dataset}` is core data, which is never run',
    zh: '数据集 {dataset} 为核心数据，不得运行任何作业',
  },
  'grant.grade.important': {
    en: 'dataset `{dataset}` is important data, which runs only in the sandbox of this platform; use SQL or a program instead of `{asked}`',
    zh: '数据集 {dataset} 为重要数据，只能在本平台沙箱内运行；请改用 SQL 或程序，而不是 {asked}',
  },
  'grant.outputVerification': {
    en: 'an answer about one named person or firm (verification) is never given, whatever the grant, role or setting; ask for the match rate over a list of at least the minimum cohort, as a `statistic`',
    zh: '无论授权、角色或设置如何，均不提供对单个特定个人或企业的核验；可改为以 statistic 形式给出名单匹配率，名单人数不得少于最小群体数',
  },
  'grant.outputKind': {
    en: 'grant `{grant}` allows the output kinds {granted}, not `{asked}`',
    zh: '授权 {grant} 允许的成果形式是 {granted}，不含 {asked}',
  },
  'grant.columns': {
    en: 'grant `{grant}` does not cover the columns {missing}; it covers {granted}',
    zh: '授权 {grant} 不含列 {missing}；已授权的列：{granted}',
  },
  'grant.quota': {
    en: 'the request needs {asked} of {units} and grant `{grant}` has {left} left; ask for less, wait for the next day if the limit is daily, or have the quota raised',
    zh: '请求需要的 {units} 为 {asked}，授权 {grant} 剩余 {left}；请减少用量，如为按日限额可待次日，或申请提高额度',
  },

  'policy.unparsed': {
    en: 'the policy set is not valid Cedar; the cause says where',
    zh: '策略集不是有效的 Cedar 文本；具体位置见 cause',
  },
  'policy.schema': {
    en: 'the policy schema is not valid or draws a warning; the cause says why',
    zh: '策略模式无效或有警告；原因见 cause',
  },
  'policy.template': {
    en: 'the policy set holds a template; grants are data, write a policy',
    zh: '策略集中含有模板；授权是数据，请改写为普通策略',
  },
  'policy.unnamed': {
    en: 'a policy lacks a name; add @id("…") to: {text}',
    zh: '有一条策略没有名称；请添加 @id("…")：{text}',
  },
  'policy.sameName': {
    en: 'two policies are named `{policy}`; rename one',
    zh: '有两条策略同名：{policy}；请改名',
  },
  'policy.code': {
    en: 'policy `{policy}`: a forbid needs a @code that a decision may carry, a permit needs none',
    zh: '策略 {policy}：forbid 必须带有可用的 @code，permit 不带',
  },
  'policy.invalid': {
    en: 'policy `{policy}` does not pass strict validation; the cause says why',
    zh: '策略 {policy} 未通过严格校验；原因见 cause',
  },
  'policy.partial': {
    en: 'policy `{policy}` uses `{operator}`, which can fail and then be skipped; compute the value outside and compare it',
    zh: '策略 {policy} 使用了可能出错而被跳过的 {operator}；请在策略之外计算，策略内只做比较',
  },
} as const;
