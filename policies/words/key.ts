/** Sentences about keys, sealed sources and their destruction: id, English, Chinese. */
export const KEY_WORDS = {
  'problem.KEY_REFUSED': { en: 'The key is not given out', zh: '密钥未予发放' },
  'problem.KMS_UNAVAILABLE': { en: 'The key service does not answer', zh: '密钥服务无响应' },
  'fix.KEY_REFUSED': {
    en: 'ask the provider whether the key of this dataset is disabled or destroyed',
    zh: '请向数据提供方确认该数据集的密钥是否已停用或销毁',
  },
  'keys.refused': {
    en: 'the key of dataset `{dataset}` is not given out: it is unknown, disabled or destroyed, or the file was sealed for something else',
    zh: '数据集“{dataset}”的密钥未予发放：密钥不存在、已停用或已销毁，或该文件是为其他用途封装的',
  },
  'keys.unavailable': {
    en: 'the key service did not answer, or did not answer in time; nothing was opened',
    zh: '密钥服务未响应或响应超时；未打开任何数据',
  },
  'keys.notUsable': { en: 'the key `{key}` cannot be used: {code}', zh: '密钥“{key}”不可用：{code}' },
  'keys.service': {
    en: 'the key service does not answer as it must: {code}',
    zh: '密钥服务未能正常响应：{code}',
  },
  'keys.store': {
    en: 'the key store cannot be used: {code}; see docs/encryption-at-rest.md',
    zh: '密钥库无法使用：{code}；参见 docs/encryption-at-rest.md',
  },
  'keys.busy': {
    en: 'another process is changing the key store; try again',
    zh: '另一进程正在修改密钥库；请重试',
  },
  'keys.envelope': {
    en: '`{file}` is not a whole sealed file: {code}',
    zh: '“{file}”不是完整的封装文件：{code}',
  },
  'keys.oneKey': {
    en: '`{file}` is sealed for several key services; wrap it again with the tool that made it',
    zh: '“{file}”同时为多个密钥服务封装；请使用生成它的工具重新封装',
  },
  'keys.targetExists': {
    en: '`{file}` is there already, and a sealed file is never overwritten',
    zh: '“{file}”已存在；封装文件不会被覆盖',
  },
  'keys.unwritable': { en: '`{file}` cannot be written', zh: '无法写入“{file}”' },
  'keys.oneRoot': {
    en: 'keys.yaml: `local` names a root key or a file with a passphrase, not both',
    zh: 'keys.yaml：`local` 只能指定根密钥文件或口令文件之一',
  },
  'keys.noVault': {
    en: 'keys.yaml: `service: vault` needs `vault`, with `address`, `caFile` and `tokenFile`',
    zh: 'keys.yaml：`service: vault` 需要 `vault` 段，含 `address`、`caFile` 与 `tokenFile`',
  },
  'cli.seal': {
    en: 'seal a file under a key: only a runner that is given the key can read it (provider, operator)',
    zh: '用密钥封装文件：仅获发密钥的执行端可读取（提供方、运营方）',
  },
  'cli.seal.progress': { en: 'sealed {percent} %', zh: '已封装 {percent}%' },
  'cli.key': {
    en: 'the keys of sealed data, on the machine that keeps them',
    zh: '封装数据的密钥（在保管密钥的机器上操作）',
  },
  'cli.key.create': {
    en: 'make a key, and the key store if there is none',
    zh: '创建密钥；若无密钥库则一并创建',
  },
  'cli.key.list': { en: 'list the keys', zh: '列出密钥' },
  'cli.key.show': { en: 'show a key and its versions', zh: '显示密钥及其版本' },
  'cli.key.rotate': {
    en: 'make a new version; earlier ones only open what they sealed',
    zh: '生成新版本；旧版本仅可解封此前的文件',
  },
  'cli.key.rewrap': {
    en: 'put the data keys of sealed files under the newest version; the data stay as they are',
    zh: '将封装文件的数据密钥改由最新版本保护；数据本身不变',
  },
  'cli.key.disable': {
    en: 'take a key out of use until it is enabled: nothing sealed under it is read',
    zh: '停用密钥，直至重新启用：其封装的数据均不可读取',
  },
  'cli.key.enable': { en: 'end the disabling of a key', zh: '重新启用密钥' },
  'cli.key.destroy': {
    en: 'ask for the destruction of a key, and with it of all that is sealed under it (operator, provider)',
    zh: '申请销毁密钥及其封装的全部数据（运营方、提供方）',
  },
  'cli.key.approveDestruction': {
    en: 'agree to the destruction of a key, as another person; it begins after the waiting period',
    zh: '由另一人同意销毁密钥；等待期满后执行',
  },
  'cli.key.cancelDestruction': { en: 'call the destruction of a key off', zh: '撤回密钥销毁' },
  'cli.key.hold': {
    en: 'put a key under a legal hold: it is not destroyed',
    zh: '对密钥设置法定保留：不予销毁',
  },
  'cli.key.liftHold': { en: 'lift the legal hold on a key', zh: '解除密钥的法定保留' },
  'cli.key.destruction': {
    en: 'show how the destruction of a key stands, and its signed record',
    zh: '显示密钥销毁的进展及其签名记录',
  },
  'cli.key.inventory': {
    en: 'list all cryptography in use: algorithms, keys, versions, states, sealed data (operator)',
    zh: '列出在用的全部密码应用：算法、密钥、版本、状态与封装数据（运营方）',
  },
  'cli.column.what': { en: 'WHAT', zh: '类别' },
  'cli.column.owner': { en: 'OWNER OR DATASET', zh: '所有者或数据集' },
  'cli.column.requestedBy': { en: 'ASKED FOR BY', zh: '申请人' },
  'cli.column.approvedBy': { en: 'AGREED TO BY', zh: '同意人' },
  'cli.column.dueAt': { en: 'NOT BEFORE', zh: '不早于' },
  'cli.column.hold': { en: 'HELD BY', zh: '保留设置人' },
  'cli.column.destroyedAt': { en: 'DESTROYED AT', zh: '销毁于' },
  'cli.column.record': { en: 'RECORD', zh: '记录' },
  'cli.rewrapped': { en: '{file}: version {from} to {to}', zh: '{file}：版本 {from} 改为 {to}' },
  'cli.flag.keysFile': {
    en: 'keys.yaml; default: UNSEEN_KEYS, or the one in the data directory',
    zh: 'keys.yaml 文件；默认取 UNSEEN_KEYS，或数据目录中的该文件',
  },
  'cli.flag.sealingKey': { en: 'the key', zh: '密钥' },
  'cli.flag.sealedOut': { en: 'the sealed file to write', zh: '要写入的封装文件' },
  'cli.flag.sealedDataset': {
    en: 'the dataset that it is for; default: the key’s name',
    zh: '所属数据集；默认与密钥同名',
  },
  'cli.flag.sealedLineage': {
    en: 'the lineage of the dataset; default: its name',
    zh: '数据集的血缘；默认与数据集同名',
  },
  'cli.column.key': { en: 'KEY', zh: '密钥' },
  'cli.column.algorithm': { en: 'ALGORITHM', zh: '算法' },
  'cli.column.created': { en: 'CREATED', zh: '创建于' },
  'cli.column.fingerprint': { en: 'FINGERPRINT', zh: '指纹' },
  'cli.column.file': { en: 'FILE', zh: '文件' },
  'keys.notNow': {
    en: 'the key is not in a state in which this can be done; look with `unseen key destruction`',
    zh: '密钥当前状态不允许此操作；请用 `unseen key destruction` 查看',
  },
  'keys.samePerson': {
    en: 'this takes another person than the one who asked for or agreed to the destruction',
    zh: '此操作须由申请或同意销毁者之外的人进行',
  },
  'keys.ownersSide': {
    en: 'one of the two people is of the organisation whose data are sealed under the key',
    zh: '两人中须有一人属于该密钥所封装数据的机构',
  },
  'keys.onHold': { en: 'the key is under a legal hold', zh: '该密钥处于法定保留状态' },
  'keys.none': {
    en: 'the source is sealed, and this program has no key store; see docs/encryption-at-rest.md',
    zh: '数据源已封装，而本程序未配置密钥库；参见 docs/encryption-at-rest.md',
  },
} as const;
