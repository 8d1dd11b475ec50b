/** Sentences about encrypted columns: what cannot be asked of them, and what an answer rests on. */
export const ENCRYPTED_WORDS = {
  'encrypted.units': {
    en: 'COUNT(DISTINCT …) is not possible here: units were bounded when the data were encrypted, and cannot be told apart since; use COUNT(*)',
    zh: '此处无法使用 COUNT(DISTINCT …)：隐私单元在加密时已限定，此后无法区分；请使用 COUNT(*)',
  },
  'encrypted.hideBelow': {
    en: 'this policy hides cells by their number of units (`hideBelow`), which encrypted data do not tell; the provider must register the dataset under a policy without it',
    zh: '该策略按单元数隐藏单元格（`hideBelow`），而加密数据无法得知单元数；须由数据提供方改用不含该项的策略登记',
  },
  'encrypted.aggregate': {
    en: 'on encrypted columns there are COUNT, SUM, AVG, VARIANCE and STDDEV; QUANTILE, MEDIAN and HISTOGRAM would have to compare encrypted values',
    zh: '加密列可用 COUNT、SUM、AVG、VARIANCE、STDDEV；QUANTILE、MEDIAN、HISTOGRAM 需要比较密文，无法提供',
  },
  'encrypted.predicate': {
    en: '`{name}` is encrypted: WHERE, FILTER and CASE may use clear columns only ({clear})',
    zh: '{name} 是加密列：WHERE、FILTER、CASE 只能使用明文列（{clear}）',
  },
  'encrypted.expression': {
    en: 'an argument over encrypted columns must be a sum of columns with constant weights, or a product of two columns; VARIANCE and STDDEV take one column',
    zh: '加密列上的参数只能是列的常数加权和，或两列之积；VARIANCE 与 STDDEV 只接受单列',
  },
  'encrypted.case': {
    en: 'CASE around an encrypted column may have one branch on clear columns, and nothing otherwise (ELSE NULL; in SUM also ELSE 0)',
    zh: '包含加密列的 CASE 只能有一个以明文列为条件的分支，其余为空（ELSE NULL；SUM 中亦可 ELSE 0）',
  },
  'encrypted.nullable': {
    en: 'values of {names} may be absent, so the column cannot be combined with another; ask for each by itself',
    zh: '{names} 的取值可能缺失，因此不能与其他列组合；请分别查询',
  },
  'encrypted.grid': {
    en: 'the weights do not lie on the grid of the columns: use weights with few decimals on columns with a decimal `granularity`, or whole numbers',
    zh: '权重不在列的网格上：请对十进制 `granularity` 的列使用小数位较少的权重，或使用整数权重',
  },
  'encrypted.range': {
    en: 'the largest possible sum with its noise does not fit into the numbers of profile {profile}; ask for less (one column, narrower weights, a larger epsilon), or have the data encrypted with a coarser granularity, a lower maxRows or a larger profile',
    zh: '可能的最大总和连同噪声超出 {profile} 参数的数值范围；请缩小查询（单列、较小权重、较大 epsilon），或由提供方以更粗的 granularity、更小的 maxRows 或更大的参数重新加密',
  },
  'encrypted.growth': {
    en: 'so many weighted products would not decrypt any more; use smaller weights, or have the data encrypted with fewer clear values',
    zh: '如此多的加权乘积将无法再解密；请使用较小的权重，或由提供方减少明文取值后重新加密',
  },
  'encrypted.inexact': {
    en: 'ln and exp are not accepted in conditions and keys over clear columns here, because engines round them differently',
    zh: '此处的明文列条件与分组不接受 ln 与 exp，因为各引擎的舍入不一致',
  },
  'encrypted.cells': {
    en: 'the keys span {cells} cells, but the clear columns have only {max} combinations of values; group by fewer expressions',
    zh: '分组共有 {cells} 个单元格，而明文列只有 {max} 种取值组合；请减少分组表达式',
  },
  'encrypted.program': {
    en: 'programs cannot read encrypted columns; ask in SQL',
    zh: '程序无法读取加密列；请使用 SQL 查询',
  },
  'encrypted.changed': {
    en: 'the files of the encrypted dataset are not those that its signed manifest lists; nothing was released',
    zh: '加密数据集的文件与其签名清单所列不一致；未发布任何内容',
  },
  'encrypted.disagrees': {
    en: '{path}: `{field}` of the signed manifest is not what dataset.yaml says; use the dataset.yaml that `unseen encrypt` printed',
    zh: '{path}：签名清单中的 `{field}` 与 dataset.yaml 不一致；请使用 `unseen encrypt` 输出的 dataset.yaml',
  },
  'encrypted.attestation': {
    en: 'what the key custodian returned does not carry the noise of this Plan under its signature; nothing was released',
    zh: '密钥托管方返回的结果未附带其签名证明的本计划噪声；未发布任何内容',
  },
  'encrypted.noCustodian': {
    en: 'encrypted data cannot be opened here: this process has no way to a custodian',
    zh: '此处无法打开加密数据：本进程没有通往托管方的连接',
  },
  'encrypted.orderKey': {
    en: '{path}: this is not a private Ed25519 JWK; make the order key with `unseen custodian order-key`, or take the one that the custodian knows',
    zh: '{path}：不是 Ed25519 私钥 JWK；请使用托管方已登记的指令签名密钥',
  },
  'encrypt.absent': {
    en: 'there is no column `{column}` in the dataset’s manifest',
    zh: '数据集清单中没有列 `{column}`',
  },
  'encrypt.private': {
    en: 'column `{column}` identifies units or is hidden: it may not stay clear',
    zh: '列 `{column}` 标识隐私单元或为隐藏列：不得保留为明文',
  },
  'encrypt.listed': {
    en: 'column `{column}` may stay clear only as a key with listed `values`',
    zh: '列 `{column}` 只有作为列出 `values` 的 key 才能保留为明文',
  },
  'encrypt.whole': {
    en: 'column `{column}` lists numbers with decimals: a clear column lists texts, booleans, dates or whole numbers',
    zh: '列 `{column}` 列出了小数：明文列只能列出文本、布尔值、日期或整数',
  },
  'encrypt.number': {
    en: 'column `{column}` cannot be encrypted: only numbers with role value and `bounds` can be summed',
    zh: '列 `{column}` 无法加密：只有 role 为 value 且带 `bounds` 的数字列可以求和',
  },
  'encrypt.nullable': {
    en: 'column `{column}` is not encrypted, so `--nullable` has nothing to say of it',
    zh: '列 `{column}` 未加密，`--nullable` 不适用于它',
  },
  'encrypt.nothing': {
    en: 'no column is left to encrypt: a dataset to encrypt has a number with role value and `bounds`',
    zh: '没有可加密的列：须有 role 为 value 且带 `bounds` 的数字列',
  },
  'encrypt.missing': {
    en: 'column `{column}` has rows without a value: name it in `--nullable`, or fill it',
    zh: '列 `{column}` 存在缺失值：请在 `--nullable` 中列出，或补齐数据',
  },
  'encrypt.description': {
    en: 'the signed manifest has no place for `{field}` as it is: rename the column or shorten the list',
    zh: '签名清单无法容纳 `{field}`：请重命名列或缩短列表',
  },
  'encrypt.exists': {
    en: 'the directory `{directory}` is not empty; go on with an interrupted run by --resume, or name another one',
    zh: '目录 `{directory}` 非空；请用 --resume 继续中断的加密，或另选目录',
  },
  'encrypt.keys': {
    en: '`{directory}` does not hold the public keys of a custodian (public.key and relin.keys of one profile)',
    zh: '`{directory}` 中没有托管方的公钥（同一参数的 public.key 与 relin.keys）',
  },
  'encrypt.rowsPerUnit': {
    en: '--rows-per-unit must be a whole number from 1: so many rows of one unit are kept in all',
    zh: '--rows-per-unit 须为不小于 1 的整数：每个单元总共保留的行数',
  },
  'encrypt.signingKey': {
    en: '`{file}` is not a private Ed25519 JWK, and cannot be made one',
    zh: '`{file}` 不是 Ed25519 私钥 JWK，也无法新建',
  },
  'encrypt.custodianKey': {
    en: '`{file}` is not the public Ed25519 JWK of a custodian',
    zh: '`{file}` 不是托管方的 Ed25519 公钥 JWK',
  },
  'encrypt.refused': {
    en: 'the encryption was refused: {code} ({field}); an interrupted run goes on only with the same rows, columns and keys',
    zh: '加密被拒绝：{code}（{field}）；中断后只能以相同的数据行、列和密钥继续',
  },
  'encrypt.progress': { en: '{percent} % ({rows} rows)', zh: '{percent}%（{rows} 行）' },
  'encrypt.left': {
    en: 'left out, and nowhere in the result: {columns}',
    zh: '未纳入结果的列：{columns}',
  },
  'encrypt.done': {
    en: 'encrypted into {directory}; register it with the dataset.yaml that follows, once its paths of certificates and order key are yours, and give manifest.jws to the custodian',
    zh: '已加密到 {directory}；请将随后输出的 dataset.yaml 中的证书与指令密钥路径改为您的路径后登记，并把 manifest.jws 交给托管方',
  },
  'note.encrypted': {
    en: 'Computed on encrypted values; each unit has at most {rows} row(s) in all, and values were clamped: the bound is the provider’s word, signed in the manifest ({manifest}).',
    zh: '在密文上计算；每个单元总共最多 {rows} 行，取值已截断：该限度由数据提供方声明，并在清单中签名（{manifest}）。',
  },
  'note.custodian': {
    en: 'The noise was added by the custodian of the key before anything was decrypted for the platform, and is attested by its signature; the platform never holds the key.',
    zh: '噪声由密钥托管方在交付解密结果之前添加，并以其签名证明；平台从不持有密钥。',
  },
} as const;
