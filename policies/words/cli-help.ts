/** Sentences of the command line's help: what each verb does and what each flag means. */
export const CLI_HELP_WORDS = {
  'cli.about': { en: 'answers about data that nobody else ever sees', zh: '只给出答案，数据本身不出域' },
  'cli.help.usage': { en: 'Usage:', zh: '用法：' },
  'cli.help.arguments': { en: 'Arguments:', zh: '参数：' },
  'cli.help.options': { en: 'Options:', zh: '选项：' },
  'cli.help.commands': { en: 'Commands:', zh: '命令：' },
  'cli.help.examples': { en: 'Examples:', zh: '示例：' },
  'cli.help.more': { en: 'add --help to see what the command takes', zh: '加 --help 可查看该命令的用法' },
  'cli.login': {
    en: 'keep a profile: a server, an account and its key',
    zh: '保存一个配置：服务器、账户及其密钥',
  },
  'cli.logout': { en: 'forget a profile and its key', zh: '删除一个配置及其密钥' },
  'cli.whoami': {
    en: 'show the account, its organisation and its roles',
    zh: '显示当前账户、所属机构与角色',
  },
  'cli.token': {
    en: 'print an access token that is good for a few minutes, for other programs',
    zh: '输出一个数分钟内有效的访问令牌，供其他程序使用',
  },
  'cli.organisation': { en: 'organisations that act on the platform', zh: '平台上的机构' },
  'cli.organisation.create': { en: 'register an organisation (operator)', zh: '登记一个机构（运营方）' },
  'cli.organisation.list': { en: 'list the organisations (operator)', zh: '列出机构（运营方）' },
  'cli.account': { en: 'accounts that may sign in', zh: '可登录的账户' },
  'cli.account.create': {
    en: 'register an account with its public key (operator)',
    zh: '登记一个账户及其公钥（运营方）',
  },
  'cli.account.list': { en: 'list the accounts (operator)', zh: '列出账户（运营方）' },
  'cli.account.revoke': {
    en: 'take an account out of use for good (operator)',
    zh: '永久停用一个账户（运营方）',
  },
  'cli.encrypt': {
    en: 'encrypt a dataset under a custodian’s key, for queries on encrypted columns (provider)',
    zh: '以托管方的公钥加密数据集，供密文查询使用（提供方）',
  },
  'cli.flag.encryptDataset': { en: 'manifest of the dataset to encrypt', zh: '待加密数据集的清单' },
  'cli.flag.encryptOut': { en: 'directory of the encrypted dataset', zh: '加密数据集的目录' },
  'cli.flag.encryptKeys': {
    en: 'directory with the custodian’s public.key and relin.keys',
    zh: '存放托管方 public.key 与 relin.keys 的目录',
  },
  'cli.flag.encryptSigningKey': {
    en: 'your private JWK, which signs the manifest; made if it is missing',
    zh: '用于签署清单的私钥 JWK；不存在时新建',
  },
  'cli.flag.custodianKey': {
    en: 'public JWK with which the custodian attests its noise',
    zh: '托管方证明噪声所用的公钥 JWK',
  },
  'cli.flag.custodianUrl': { en: 'https address of the custodian', zh: '托管方的 https 地址' },
  'cli.flag.rowsPerUnit': {
    en: 'rows of one unit that are kept in all (default 1)',
    zh: '每个单元总共保留的行数（默认 1）',
  },
  'cli.flag.clear': {
    en: 'key columns that stay clear and are disclosed to the platform, with commas',
    zh: '保留为明文并向平台公开的 key 列，以逗号分隔',
  },
  'cli.flag.encryptColumns': {
    en: 'columns to encrypt, with commas; else every number with bounds',
    zh: '要加密的列，以逗号分隔；缺省为所有带 bounds 的数字列',
  },
  'cli.flag.nullable': {
    en: 'encrypted columns in which values may be missing, with commas',
    zh: '允许缺失值的加密列，以逗号分隔',
  },
  'cli.flag.resume': { en: 'go on with a run that was interrupted', zh: '继续被中断的加密' },
  'cli.dataset': { en: 'data that may be asked about', zh: '可供查询的数据集' },
  'cli.dataset.add': {
    en: 'register a dataset with the runner that holds its source (operator, provider)',
    zh: '向持有数据源的执行端登记数据集（运营方、提供方）',
  },
  'cli.dataset.list': { en: 'list the datasets', zh: '列出数据集' },
  'cli.dataset.show': {
    en: 'show what may be asked of a dataset, and at what privacy cost',
    zh: '显示数据集可查询的内容及其隐私成本',
  },
  'cli.grant': {
    en: 'who may ask what, of which data, for which purpose',
    zh: '谁可以为何种用途查询哪些数据',
  },
  'cli.grant.create': {
    en: 'file a grant from a YAML or JSON document',
    zh: '从 YAML 或 JSON 文件登记授权',
  },
  'cli.grant.approve': { en: 'approve a grant for one of its two sides', zh: '代表授权的一方批准' },
  'cli.grant.list': { en: 'list the grants that you may see', zh: '列出可见的授权' },
  'cli.grant.show': { en: 'show a grant and its standing', zh: '显示授权内容与状态' },
  'cli.grant.revoke': { en: 'end a grant now', zh: '立即撤销授权' },
  'cli.quote': {
    en: 'say what an answer would cost and how exact it would be, without touching data',
    zh: '报价：在不接触数据的情况下给出成本与预期误差',
  },
  'cli.query': {
    en: 'ask, wait, and print the answer with its error bars',
    zh: '提交查询，等待，并输出带误差范围的结果',
  },
  'cli.budget': { en: 'the privacy budgets of datasets', zh: '数据集的隐私预算' },
  'cli.budget.explain': {
    en: 'list every charge that you may see on the ledgers of a dataset, and why it stands so',
    zh: '列出数据集账本上可见的每一笔计费及其原因',
  },
  'cli.job': { en: 'requests and what became of them', zh: '作业及其结果' },
  'cli.job.list': { en: 'list the jobs that you may see', zh: '列出可见的作业' },
  'cli.job.show': { en: 'show the public state of a job', zh: '显示作业的公开状态' },
  'cli.job.wait': { en: 'wait for a job and print its answer', zh: '等待作业完成并输出结果' },
  'cli.job.cancel': {
    en: 'stop a job that waits; one whose data were opened runs to its end',
    zh: '取消等待中的作业；已打开数据的作业会运行至结束',
  },
  'cli.receipt': { en: 'print the signed receipt of a job', zh: '输出作业的签名收据' },
  'cli.log': { en: 'the public log of all runs', zh: '全部运行的公开日志' },
  'cli.log.checkpoint': { en: 'print the signed head of the log', zh: '输出日志的签名检查点' },
  'cli.log.prove': { en: 'print the proof that a job is in the log', zh: '输出某作业在日志中的证明' },
  'cli.log.key': {
    en: 'print the key that checks the signatures of the log',
    zh: '输出用于核验日志签名的密钥',
  },
  'cli.usage': { en: 'what was used, for the bill', zh: '用量，供计费' },
  'cli.usage.export': {
    en: 'print usage records as JSON lines, or as CSV',
    zh: '以 JSON 行或 CSV 输出用量记录',
  },
  'cli.verify': { en: 'check a receipt from files alone, without any network', zh: '仅凭文件离线核验收据' },
  'cli.serve': { en: 'run the platform on this machine', zh: '在本机运行平台' },
  'cli.flag.json': { en: 'print JSON only', zh: '仅输出 JSON' },
  'cli.flag.profile': {
    en: 'use this profile; default: UNSEEN_PROFILE, else the last one made',
    zh: '使用该配置；默认取 UNSEEN_PROFILE，否则为最近建立的配置',
  },
  'cli.flag.version': { en: 'print the version', zh: '输出版本号' },
  'cli.flag.help': { en: 'show what a command takes', zh: '显示命令用法' },
  'cli.flag.dataDir': {
    en: 'where keys and the embedded database are kept; default: .unseen',
    zh: '密钥与内置数据库的存放目录；默认 .unseen',
  },
  'cli.flag.host': { en: 'address to listen on; default: 127.0.0.1', zh: '监听地址；默认 127.0.0.1' },
  'cli.flag.port': { en: 'port of the gateway; default: 7788', zh: '网关端口；默认 7788' },
  'cli.flag.runnerPort': { en: 'port of the runner; default: 7789', zh: '执行端端口；默认 7789' },
  'cli.flag.publicUrl': {
    en: 'what the server calls itself, where others reach it by another address',
    zh: '服务器自称的地址，用于他人经其他地址访问时',
  },
  'cli.flag.timeZone': {
    en: 'time zone of what is shown; default: Asia/Shanghai',
    zh: '显示所用时区；默认 Asia/Shanghai',
  },
  'cli.flag.cryptoProfile': {
    en: 'algorithms of receipts and log, international or sm, fixed at the first start; default: international',
    zh: '收据与日志所用算法：international 或 sm，首次启动后不可更改；默认 international',
  },
  'cli.flag.url': { en: 'address of the gateway', zh: '网关地址' },
  'cli.flag.account': { en: 'id of the account', zh: '账户编号' },
  'cli.flag.key': {
    en: 'private Ed25519 key, as JWK or PEM; - for standard input',
    zh: 'Ed25519 私钥（JWK 或 PEM）；- 表示标准输入',
  },
  'cli.flag.newKey': {
    en: 'make a key, keep it, and print its public half',
    zh: '生成并保存新密钥，输出其公钥',
  },
  'cli.flag.runnerUrl': {
    en: 'address of the runner, for registering data; default on this machine: port 7789',
    zh: '执行端地址，用于登记数据；本机默认端口 7789',
  },
  'cli.flag.issuer': {
    en: 'what the server calls itself; default: its address',
    zh: '服务器自称的签发方；默认为其地址',
  },
  'cli.flag.allowHttp': {
    en: 'speak without encryption to another machine',
    zh: '允许以未加密方式连接其他机器',
  },
  'cli.flag.organisationName': { en: 'the name of the organisation', zh: '机构名称' },
  'cli.flag.kind': { en: 'what it is to the platform', zh: '机构在平台中的类别' },
  'cli.flag.region': {
    en: 'where it is, such as CN-31; grants may be limited to regions',
    zh: '所在地区，如 CN-31；授权可限定地区',
  },
  'cli.flag.sector': { en: 'its sector; grants may be limited to sectors', zh: '所属行业；授权可限定行业' },
  'cli.flag.organisation': { en: 'the organisation that the account acts for', zh: '账户所属机构' },
  'cli.flag.role': {
    en: 'operator, provider, buyer, billing, auditor or supervisor; may repeat',
    zh: '角色：operator、provider、buyer、billing、auditor、supervisor；可重复',
  },
  'cli.flag.publicKey': {
    en: 'public key as JWK; - for standard input',
    zh: '公钥（JWK）；- 表示标准输入',
  },
  'cli.flag.newKeyFile': {
    en: 'make a key and write its private half to this new file',
    zh: '生成密钥，并将私钥写入该新文件',
  },
  'cli.flag.policy': { en: 'release policy', zh: '发布策略文件' },
  'cli.flag.baseDirectory': {
    en: 'what paths in the manifest are relative to, on the runner; default: the directory of the manifest',
    zh: '清单中相对路径的基准目录（执行端上）；默认为清单所在目录',
  },
  'cli.flag.side': { en: 'whose approval', zh: '代表哪一方批准' },
  'cli.flag.evidence': {
    en: 'id of the signed document, when recording the approval of someone else',
    zh: '代他人登记批准时，已签署文件的编号',
  },
  'cli.flag.reason': { en: 'why', zh: '理由' },
  'cli.flag.grant': { en: 'the grant to ask under', zh: '所依据的授权' },
  'cli.flag.sql': { en: 'the query', zh: '查询语句' },
  'cli.flag.sqlFile': {
    en: 'read the query from a file; - for standard input',
    zh: '从文件读取查询；- 表示标准输入',
  },
  'cli.flag.purpose': { en: 'what the answer is for, as the grant names it', zh: '用途，须与授权一致' },
  'cli.flag.scene': { en: 'the scene, as the grant names it', zh: '场景，须与授权一致' },
  'cli.flag.epsilon': {
    en: 'privacy loss to ask for; default: what the policy allows a job',
    zh: '请求的隐私损失；默认为策略规定的单次值',
  },
  'cli.flag.delta': {
    en: 'delta to ask for; default: that of the policy',
    zh: '请求的 delta；默认为策略规定值',
  },
  'cli.flag.outputKind': {
    en: 'what the answer will be part of; default: statistic',
    zh: '成果形式；默认为 statistic',
  },
  'cli.flag.maxError': {
    en: 'accuracy instead of --epsilon: every output right to ± this (95 %), as cheaply as may be',
    zh: '以精度代替 --epsilon：以最低成本使每项结果的误差不超过该值（95%）',
  },
  'cli.flag.atSize': {
    en: 'the size of group for which --max-error is meant, where the error depends on it',
    zh: '误差取决于人群规模时，--max-error 所针对的人群规模',
  },
  'cli.flag.quote': { en: 'run under this quote', zh: '按此报价执行' },
  'cli.flag.ofGrant': { en: 'only this grant', zh: '仅该授权' },
  'cli.flag.ofBuyer': { en: 'only this buying organisation', zh: '仅该使用方机构' },
  'cli.flag.ofProvider': { en: 'only datasets of this organisation', zh: '仅该机构提供的数据集' },
  'cli.flag.ofPurpose': { en: 'only this purpose', zh: '仅该用途' },
  'cli.flag.ofScene': { en: 'only this scene', zh: '仅该场景' },
  'cli.flag.ofOutcome': { en: 'only runs that ended so', zh: '仅该运行结果' },
  'cli.flag.ofProduct': { en: 'only this product', zh: '仅该产品' },
  'cli.flag.copySigner': {
    en: 'your private JWK: keep a signed copy of the usage of your datasets in --out',
    zh: '本方私钥 JWK：将本方数据集的用量以签名副本保存到 --out',
  },
  'cli.flag.copyOut': {
    en: 'file of the copy; what came since is added to one that is there',
    zh: '副本文件；若已存在，则追加其后的新用量',
  },
  'cli.reconcile': {
    en: 'whether bill and evidence agree, or a provider’s own copy with the server or with another copy',
    zh: '账单与证据是否相符；或提供方的副本与服务器、与另一副本是否相符',
  },
  'cli.flag.copy': {
    en: 'copy of usage; a second one is compared with the first',
    zh: '用量副本；给出第二份则两份相互比对',
  },
  'cli.flag.copyKey': { en: 'public JWK that may have signed the copies', zh: '可为副本签名的公钥 JWK' },
  'cli.report': { en: 'reports about use and money', zh: '用量与资金报告' },
  'cli.report.provider': {
    en: 'what a provider’s datasets were used for, by whom, and what they earned',
    zh: '提供方对账单：数据集的使用方、用途与收益',
  },
  'cli.report.buyer': {
    en: 'what a buyer is billed, quoted beside charged',
    zh: '使用方账单：报价与实收对照',
  },
  'cli.report.variance': {
    en: 'every line that is not at its list price, with the reason (oversight)',
    zh: '所有未按标价计费的账单行及原因（监督方）',
  },
  'cli.report.selfDealing': {
    en: 'use and prices of organisations affiliated with the operator (oversight)',
    zh: '运营方关联机构的使用与价格（监督方）',
  },
  'cli.report.anomalies': {
    en: 'days on which a grant was used far more than in the four weeks before',
    zh: '授权用量远高于前四周的日期',
  },
  'cli.report.annual': {
    en: 'the annual report of authorised operation in six blocks (oversight)',
    zh: '授权运营年度报告（六部分，监督方）',
  },
  'cli.usage.summary': { en: 'sum the usage of a month by one dimension', zh: '按一个维度汇总当月用量' },
  'cli.export': { en: 'files about money, of any size', zh: '资金类文件导出，规模不限' },
  'cli.export.lines': {
    en: 'print the lines of statements as CloudEvents, or as CSV',
    zh: '以 CloudEvents 或 CSV 输出账单行',
  },
  'cli.export.focus': {
    en: 'print the lines of statements as FOCUS 1.4 Cost and Usage',
    zh: '以 FOCUS 1.4 Cost and Usage 输出账单行',
  },
  'cli.flag.month': { en: 'calendar month of the bills, such as 2026-11', zh: '账单月份，如 2026-11' },
  'cli.flag.toMonth': { en: 'last month, if it is more than one', zh: '末月（多个月时）' },
  'cli.flag.reportYear': { en: 'calendar year', zh: '年份' },
  'cli.flag.by': { en: 'the dimension (default dataset)', zh: '维度（默认 dataset）' },
  'cli.flag.csv': { en: 'print CSV', zh: '输出 CSV' },
  'cli.flag.ofAccount': { en: 'only jobs of this account', zh: '仅列出该账户的作业' },
  'cli.flag.ofDataset': { en: 'only jobs on this dataset', zh: '仅列出该数据集的作业' },
  'cli.flag.timeout': {
    en: 'give up waiting after so many seconds; the job goes on',
    zh: '等待的最长秒数；超时后作业仍继续',
  },
  'cli.flag.proofOut': { en: 'also write the log proof to this file', zh: '同时将日志证明写入该文件' },
  'cli.flag.keysOut': {
    en: 'also write the public keys of the server to this file',
    zh: '同时将服务器公钥写入该文件',
  },
  'cli.flag.logKeyOut': { en: 'also write the key of the log to this file', zh: '同时将日志密钥写入该文件' },
  'cli.flag.from': { en: 'first moment, ISO 8601 with offset', zh: '起始时刻，带时区的 ISO 8601' },
  'cli.flag.to': {
    en: 'moment after the last, ISO 8601 with offset',
    zh: '结束时刻（不含），带时区的 ISO 8601',
  },
  'cli.flag.keys': { en: 'public keys that you trust, as JWK set', zh: '您信任的公钥（JWK 集）' },
  'cli.flag.proof': { en: 'log proof of the receipt', zh: '收据的日志证明' },
  'cli.flag.logKey': {
    en: 'the key of the log, as `unseen log key` prints it',
    zh: '日志密钥，即 `unseen log key` 的输出',
  },
  'cli.flag.checkpoint': {
    en: 'a checkpoint of the log that you kept from before',
    zh: '您此前保存的日志检查点',
  },
  'cli.flag.answer': {
    en: 'the answer, as `unseen query --json` prints it',
    zh: '结果，即 `unseen query --json` 的输出',
  },
} as const;
