/** Sentences of the key custodian and of whoever asks it: id, English, Chinese. */
export const CUSTODIAN_WORDS = {
  'problem.CUSTODIAN_UNAVAILABLE': {
    en: 'The key custodian cannot be reached',
    zh: '无法连接密钥托管方',
  },
  'problem.CUSTODIAN_REFUSED': {
    en: 'The key custodian did not answer the order',
    zh: '密钥托管方未答复该指令',
  },
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
  'cli.custodian': {
    en: 'the key custodian of encrypted data, for whoever provides the data',
    zh: '加密数据的密钥托管方，由数据提供方运行',
  },
  'cli.custodian.init': { en: 'make a custodian in a directory', zh: '在目录中建立托管方' },
  'cli.custodian.serve': { en: 'answer orders until told to stop', zh: '答复指令，直至收到停止信号' },
  'cli.custodian.keys': {
    en: 'list keys and datasets, make a key pair, or accept a dataset',
    zh: '列出密钥与数据集，生成密钥对，或接受数据集',
  },
  'cli.custodian.orders': {
    en: 'list the orders that were answered or spent',
    zh: '列出已答复或已作废的指令',
  },
  'cli.custodian.log': {
    en: 'show what was asked of the custodian, or check that the record is whole',
    zh: '显示对托管方的全部请求，或核验记录是否完整',
  },
  'cli.flag.custodianDir': {
    en: 'directory of the custodian; default: .unseen-custodian',
    zh: '托管方目录；默认 .unseen-custodian',
  },
  'cli.flag.platformKey': {
    en: 'public key (JWK) with which a platform signs orders; may repeat',
    zh: '平台签署指令所用公钥（JWK）；可重复',
  },
  'cli.flag.providerKey': {
    en: 'public key (JWK) with which a provider signs encrypted datasets; may repeat',
    zh: '提供方签署加密数据集所用公钥（JWK）；可重复',
  },
  'cli.flag.custodianPurpose': {
    en: 'purpose that orders may have, with all below it; may repeat',
    zh: '指令可用的用途（含其下级）；可重复',
  },
  'cli.flag.logName': {
    en: 'name of the custodian’s log; default: custodian.local/log',
    zh: '托管方日志名称；默认 custodian.local/log',
  },
  'cli.flag.custodianPort': { en: 'port of the custodian; default: 7790', zh: '托管方端口；默认 7790' },
  'cli.flag.withCertificates': {
    en: 'make TLS certificates for both sides with the openssl command',
    zh: '用 openssl 命令为双方生成 TLS 证书',
  },
  'cli.flag.serverName': {
    en: 'host name or address in the server certificate; default: that of --host',
    zh: '服务器证书中的主机名或地址；默认与 --host 相同',
  },
  'cli.flag.createKey': {
    en: 'make a key pair of this profile: the secret key stays here, sealed',
    zh: '生成该配置的密钥对：私钥密封保存于此',
  },
  'cli.flag.publicKeysOut': {
    en: 'where public.key and relin.keys of the new key go',
    zh: '新密钥的 public.key 与 relin.keys 的输出目录',
  },
  'cli.flag.acceptManifest': {
    en: 'answer for the encrypted dataset of this signed manifest',
    zh: '接受该签名清单所述的加密数据集',
  },
  'cli.flag.verifyJournal': {
    en: 'check the whole record against its signed checkpoint, and every attestation',
    zh: '将全部记录与其签名检查点及每份证明核对',
  },
  'cli.flag.keptCheckpoint': {
    en: 'a checkpoint.txt that was kept from before',
    zh: '此前保存的 checkpoint.txt',
  },
  'cli.custodian.madeByOpenssl': {
    en: 'certificates were made by the `openssl` command in {directory}/tls; give the runner ca.crt, client.crt and client.key, and move ca.key off this machine',
    zh: '证书已由 `openssl` 命令生成于 {directory}/tls；请将 ca.crt、client.crt 与 client.key 交给执行端，并将 ca.key 移出本机',
  },
  'cli.custodian.bringCertificates': {
    en: 'no certificates were made; put yours under {directory}/tls (server.crt, server.key, ca.crt) and the fingerprint of the runner’s into custodian.yaml, or nobody is answered',
    zh: '未生成证书；请将自备证书放入 {directory}/tls（server.crt、server.key、ca.crt），并将执行端证书指纹写入 custodian.yaml，否则不会答复任何请求',
  },
  'cli.custodian.whole': {
    en: 'the record is whole: {entries} entries, root {root}',
    zh: '记录完整：共 {entries} 条，根哈希 {root}',
  },
  'cli.custodian.misfit': {
    en: 'the record does not add up: entry {entry} does not follow from those before it',
    zh: '记录不一致：第 {entry} 条与此前条目不符',
  },
  'cli.custodian.column.time': { en: 'TIME', zh: '时间' },
  'cli.custodian.column.order': { en: 'ORDER', zh: '指令' },
  'cli.custodian.column.values': { en: 'VALUES', zh: '数值个数' },
  'cli.custodian.column.event': { en: 'EVENT', zh: '事件' },
  'cli.custodian.column.code': { en: 'CODE', zh: '代码' },
  'cli.custodian.column.profile': { en: 'PROFILE', zh: '参数配置' },
  'cli.custodian.column.since': { en: 'SINCE', zh: '建立时间' },
  'cli.custodian.column.address': { en: 'CUSTODIAN', zh: '托管方' },
  'cli.custodian.column.attestationKey': { en: 'ATTESTATION KEY', zh: '证明密钥' },
  'cli.custodian.column.logKey': { en: 'LOG KEY', zh: '日志密钥' },
} as const;
