/** Sentences of the key custodian and of whoever asks it: id, English, Chinese. */
export const CUSTODIAN_WORDS = {
  'custodian.journalUnwritable': {
    en: 'the custodian cannot write its journal; it answers nothing until it is started again',
    zh: '托管方无法写入其日志；在重新启动之前不再答复任何指令',
  },
  'custodian.journalChanged': {
    en: 'the journal in `{directory}` is not the one that the custodian signed: an entry was changed, removed or added',
    zh: '`{directory}` 中的日志与托管方签名的不一致：有条目被修改、删除或添加',
  },
  'custodian.exists': {
    en: 'the directory `{directory}` already holds a custodian',
    zh: '目录 `{directory}` 中已有托管方',
  },
  'custodian.absent': {
    en: 'the directory `{directory}` holds no custodian; make one with `unseen custodian init`',
    zh: '目录 `{directory}` 中没有托管方；请用 `unseen custodian init` 建立',
  },
  'custodian.filesystem': {
    en: 'the file `{file}` cannot be read or written',
    zh: '文件 `{file}` 无法读写',
  },
  'custodian.keyDamaged': {
    en: 'the sealed key `{key}` cannot be opened: the file is damaged, or the key-management service does not give its data key',
    zh: '无法打开密封的密钥 `{key}`：文件已损坏，或密钥管理服务未给出其数据密钥',
  },
  'custodian.manifestUnusable': {
    en: '`{file}` is not the manifest of an encrypted dataset that a provider known here signed for a key of this store',
    zh: '`{file}` 不是由已登记的提供方签名、且使用本库密钥的加密数据集清单',
  },
  'custodian.openssl': {
    en: 'certificates are made with the `openssl` command, which failed or is not installed; install it or bring certificates of your own',
    zh: '证书由 `openssl` 命令生成，该命令执行失败或尚未安装；请安装，或自备证书',
  },
  'custodian.address': {
    en: '`{address}` is not an https address of a custodian',
    zh: '`{address}` 不是托管方的 https 地址',
  },
  'custodian.down': {
    en: 'the key custodian at {host} cannot be reached or does not accept this runner’s certificate',
    zh: '无法连接位于 {host} 的密钥托管方，或其不接受本运行程序的证书',
  },
  'custodian.slow': {
    en: 'the key custodian at {host} did not answer in time',
    zh: '位于 {host} 的密钥托管方未在时限内答复',
  },
  'custodian.refused': {
    en: 'the key custodian refused the order ({code})',
    zh: '密钥托管方拒绝了该指令（{code}）',
  },
  'custodian.spent': {
    en: 'the key custodian counts the order as spent and has no answer to it, as after a crash; nothing was released',
    zh: '密钥托管方将该指令计为已用且没有答复（例如在崩溃之后）；未发布任何内容',
  },
  'custodian.foreign': {
    en: 'the answer was not signed by the dataset’s key custodian for this order',
    zh: '该答复并非由数据集的密钥托管方针对此指令签名',
  },
} as const;
