/** Sentences of the demo. */
export const DEMO_WORDS = {
  'cli.demo': {
    en: 'start everything in a fresh temporary directory and show the life of an answer',
    zh: '在全新的临时目录中启动全部组件，并展示一次回答的完整过程',
  },
  'cli.flag.keep': { en: 'leave it running and print commands to try', zh: '保持运行，并打印可尝试的命令' },
  'cli.flag.flights': {
    en: 'on three million real US flights instead of generated visits',
    zh: '使用三百万条真实的美国航班记录，而非生成的就诊记录',
  },
  'cli.flag.programs': {
    en: 'with a program: refused, corrected, approved, trained with, and killed',
    zh: '演示程序：被拒、修正、批准、用于训练模型，以及被终止',
  },
  'cli.flag.encrypted': {
    en: 'with data sealed at rest, and with encrypted columns whose keys the platform never holds',
    zh: '演示静态加密的数据，以及平台始终不持有密钥的加密列',
  },
  'cli.flag.billing': {
    en: 'with prices, quotes, a signed statement, a settlement file and a correction',
    zh: '演示定价、报价、经签名的结算单、结算文件与更正',
  },
  'demo.billing.paper': {
    en: '{kind} {id}: filed by {by}, approved by {and}',
    zh: '{kind} {id}：由 {by} 提交，由 {and} 批准',
  },
  'demo.billing.calls': {
    en: 'the buyer calls product {product}, at its fixed price',
    zh: '需求方按固定价格调用产品 {product}',
  },
  'demo.billing.bought': {
    en: 'job {job}: released under a quote that its buyer accepted, of {price} yuan at most',
    zh: '作业 {job}：已按需求方接受的报价放行，费用不超过 {price} 元',
  },
  'demo.billing.refused': {
    en: 'a request for rows was refused ({code}): it costs nothing, and is on record',
    zh: '索取原始行的请求被拒（{code}）：不收费，但已留有记录',
  },
  'demo.billing.turned': {
    en: 'the demo turns its calendar: it is the first day of {month}, and the month before can be billed',
    zh: '演示将日历翻到 {month} 的第一天，上一个月可以结算',
  },
  'demo.billing.dryRun': {
    en: 'closing the month would write {lines} lines; {blocks} blocks, {holds} holds',
    zh: '关账将写入 {lines} 行；阻断 {blocks} 项，暂缓结算 {holds} 项',
  },
  'demo.billing.signed': {
    en: 'statement {number} was closed by one account and issued by another: signed, and in the log; root of its lines {root}…',
    zh: '结算单 {number} 由一个账户关账、另一个账户签发：已签名并写入日志；明细根 {root}…',
  },
  'demo.billing.line': {
    en: 'line {line} stands on grant {grant}, on these documents (filed by, approved by), and on these runs:',
    zh: '明细 {line} 依据授权 {grant}、以下文件（提交人、批准人）以及以下运行：',
  },
  'demo.billing.instructions': {
    en: '{count} settlement instructions in {file}, {holds} holds; the platform holds no money',
    zh: '{file} 中有 {count} 条结算指令，暂缓 {holds} 项；平台不持有资金',
  },
  'demo.billing.settled': {
    en: '{matched} payment advices matched one to one: the statement is {state}',
    zh: '{matched} 条付款通知逐一匹配：结算单状态为 {state}',
  },
  'demo.billing.corrected': {
    en: 'one account asks to take a run off the bill, another agrees; in {month} it is reversed and the rest billed anew:',
    zh: '一个账户申请将某次运行移出账单，另一个账户同意；{month} 冲销原明细并重新计费：',
  },
  'demo.billing.reconciled': {
    en: 'reconciled: {rules} rules over usage, evidence, statements and settlement, {broken} broken',
    zh: '对账完成：对用量、证据、结算单与结算的 {rules} 条规则，违反 {broken} 条',
  },
  'demo.encrypted.noJail': {
    en: 'sealed data are only opened in a full jail, and this machine lacks {missing}: that part is left out',
    zh: '静态加密的数据只在完整隔离中打开，而本机缺少 {missing}：跳过这一部分',
  },
  'demo.encrypted.disk': {
    en: '{file}: {mebibytes} MiB, and none of the words that stand in every row of the plain file',
    zh: '{file}：{mebibytes} MiB，其中找不到明文文件每一行都有的任何字样',
  },
  'demo.encrypted.locked': {
    en: 'the key is locked away: the next question ended as {code}, and nothing was read',
    zh: '密钥已停用：下一次查询以 {code} 结束，未读取任何数据',
  },
  'demo.encrypted.custodian': {
    en: 'the provider’s custodian answers at {url} over mutual TLS, in process {pid} of its own; the platform has no secret key',
    zh: '数据提供方的密钥托管进程（{pid}）通过双向 TLS 在 {url} 应答；平台没有私钥',
  },
  'demo.encrypted.beside': {
    en: '{key}: {value} ± {bar}, and from the plain file {plain} ± {plainBar}',
    zh: '{key}：{value} ± {bar}；明文文件的回答为 {plain} ± {plainBar}',
  },
  'demo.programs.submits': {
    en: 'the buyer submits a program that counts the records it has seen',
    zh: '需求方提交一个会统计已处理记录数的程序',
  },
  'demo.programs.approved': {
    en: 'program `{name}` ({digest}): submitted, read and approved by the operator and by the provider',
    zh: '程序 {name}（{digest}）：已提交，并由运营方与数据提供方分别审阅、批准',
  },
  'demo.programs.trains': {
    en: 'the buyer trains a logistic model: {steps} jobs, each a clipped, noisy gradient at epsilon {epsilon}',
    zh: '需求方训练逻辑回归模型：共 {steps} 次作业，每次返回经裁剪并加噪的梯度，epsilon 为 {epsilon}',
  },
  'demo.programs.step': {
    en: 'after step {step}: weights {weights} (noise of one gradient entry per patient: {band})',
    zh: '第 {step} 步后：权重 {weights}（每位患者的梯度分量噪声：{band}）',
  },
  'demo.programs.truth': {
    en: 'the weights that made the data: {weights}',
    zh: '生成数据所用的权重：{weights}',
  },
  'demo.programs.runs': {
    en: 'a program that would run for a long time is at work',
    zh: '一个需要长时间运行的程序正在运行',
  },
  'demo.programs.killed': {
    en: 'the operator withdraws it: its job ended as {code} after {seconds} s, and nothing was released',
    zh: '运营方撤回该程序：作业在 {seconds} 秒后以 {code} 结束，未释放任何结果',
  },
  'demo.data': {
    en: 'made {rows} hospital visits that never happened ({seconds} s), and a practice twin from another seed',
    zh: '已生成 {rows} 条虚构的就诊记录（{seconds} 秒），以及另一随机种子的练习数据',
  },
  'demo.served': {
    en: 'gateway {gateway} and runner {runner} on embedded defaults; {label}',
    zh: '网关 {gateway} 与运行程序 {runner} 已按内置默认值启动；{label}',
  },
  'demo.jail': {
    en: 'jail layers in force: {layers}; missing: {missing}',
    zh: '已生效的隔离层：{layers}；缺少：{missing}',
  },
  'demo.registered': {
    en: 'registered `{dataset}` as version {version}; the source stays where it is',
    zh: '已登记数据集 {dataset}，版本 {version}；源数据留在原处',
  },
  'demo.granted': {
    en: 'grant {grant}: filed by the operator, approved by the provider and by the buyer, purpose {purpose}',
    zh: '授权 {grant}：由运营方提交，经数据提供方与需求方双方批准，用途 {purpose}',
  },
  'demo.asks': {
    en: 'the buyer asks ({title})',
    zh: '需求方提问（{title}）',
  },
  'demo.quoted': {
    en: 'quote: price {price} CNY. {summary}',
    zh: '报价：价格 {price} 元。{summary}',
  },
  'demo.refused': {
    en: 'refused with {code}: {detail}',
    zh: '已拒绝，代码 {code}：{detail}',
  },
  'demo.repeated': {
    en: 'asked again: the same answer from store, at no cost ({same})',
    zh: '再次提问：返回已存的同一答案，不消耗预算（{same}）',
  },
  'demo.same': { en: 'every value equal', zh: '所有数值一致' },
  'demo.different': { en: 'VALUES DIFFER', zh: '数值不一致' },
  'demo.titleRegions': { en: 'grouped COUNT and AVG, public keys', zh: '公开分组的 COUNT 与 AVG' },
  'demo.titleDiagnoses': { en: 'SUM by diagnosis, thresholded keys', zh: '按诊断的 SUM，阈值分组' },
  'demo.titleMonths': { en: 'a monthly series', zh: '按月序列' },
  'demo.titleRows': { en: 'rows, which never leave', zh: '明细行，不会离开' },
  'demo.titlePurpose': { en: 'a purpose that is not granted', zh: '未获授权的用途' },
  'demo.titleSample': { en: 'practice data, no budget', zh: '练习数据，不计预算' },
  'demo.titleRoutes': { en: 'flights and delay by origin', zh: '按出发地的航班数与延误' },
  'demo.titleYear': { en: 'flights per month', zh: '每月航班数' },
  'demo.budget': {
    en: 'budget left in lineage `{lineage}`: {left} of {capacity} nano-rho; repeats and practice data cost nothing',
    zh: '血缘 {lineage} 的剩余预算：{capacity} 纳-ρ 中余 {left}；重复请求与练习数据不计预算',
  },
  'demo.usage': { en: 'the usage record of the last answer', zh: '最近一次回答的用量记录' },
  'demo.verified': {
    en: 'unseen verify: {verdict} ({checks})',
    zh: 'unseen verify：{verdict}（{checks}）',
  },
  'demo.operator': {
    en: 'the operator sees who asked what: {count} requests, {released} released, {refused} refused',
    zh: '运营方可见谁问了什么：共 {count} 次请求，发布 {released} 次，拒绝 {refused} 次',
  },
  'demo.truth': {
    en: 'the true answers of the practice data are published in {file}',
    zh: '练习数据的真实答案公布在 {file}',
  },
  'demo.flights': {
    en: 'one flight is protected at a time: whether a single flight is in the file stays hidden; an airline, an aircraft or a passenger with many flights is not protected as a whole',
    zh: '以单个航班为保护单位：某一航班是否在文件中不会暴露；拥有许多航班的航空公司、飞机或旅客不作为整体受到保护',
  },
  'demo.flightsAbsent': {
    en: 'the flight records are not here: install the development dependency vega-datasets',
    zh: '未找到航班数据：请安装开发依赖 vega-datasets',
  },
  'demo.done': { en: 'done in {seconds} s', zh: '用时 {seconds} 秒' },
  'demo.kept': {
    en: 'it goes on running; paste these into a second terminal (an answer, a refusal, a verification), and end it with Ctrl-C',
    zh: '服务继续运行；请在第二个终端粘贴以下命令（一个答案、一次拒绝、一次验证），按 Ctrl-C 结束',
  },
} as const;
