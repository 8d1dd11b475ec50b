/**
 * Sentences about dataset.yaml and policy.yaml: which field of which file breaks which rule, and what to write.
 * The ids that begin with `manifest.later` are about fields that are known but not honoured by this version.
 */
export const MANIFEST_WORDS = {
  // The file as a text.
  'manifest.unreadable': {
    en: '{file}: the file is missing or cannot be read',
    zh: '{file}：文件不存在或无法读取',
  },
  'manifest.notFile': {
    en: '{file}: this is not a regular file; name a YAML or JSON file',
    zh: '{file}：不是普通文件；请指定 YAML 或 JSON 文件',
  },
  'manifest.tooLarge': {
    en: '{file}: the file is larger than {limit} bytes; shorten it',
    zh: '{file}：文件超过 {limit} 字节，请缩短',
  },
  'manifest.tooComplex': {
    en: '{file}: line {line}: the file nests too deeply or has too many parts; flatten or shorten it',
    zh: '{file}：第 {line} 行：嵌套过深或内容过多，请简化',
  },
  'manifest.notUtf8': {
    en: '{file}: the file is not UTF-8 text; save it as UTF-8',
    zh: '{file}：文件不是 UTF-8 文本，请另存为 UTF-8',
  },
  'manifest.badCharacter': {
    en: '{file}: line {line}, column {column}: text holds a NUL character or half a surrogate pair; remove it',
    zh: '{file}：第 {line} 行第 {column} 列：文本含有 NUL 字符或不完整的代理对，请删除',
  },
  'manifest.brokenYaml': {
    en: '{file}: line {line}, column {column}: this is not valid YAML ({problem})',
    zh: '{file}：第 {line} 行第 {column} 列：不是合法的 YAML（{problem}）',
  },
  'manifest.duplicateField': {
    en: '{file}: line {line}, column {column}: `{field}` is stated twice; keep one',
    zh: '{file}：第 {line} 行第 {column} 列：`{field}` 重复出现，请只保留一个',
  },
  'manifest.severalDocuments': {
    en: '{file}: the file holds more than one YAML document; keep one per file',
    zh: '{file}：文件含有多个 YAML 文档，每个文件只能有一个',
  },
  'manifest.tag': {
    en: '{file}: line {line}, column {column}: YAML tags are not accepted; write the plain value',
    zh: '{file}：第 {line} 行第 {column} 列：不接受 YAML 标签，请直接写值',
  },
  'manifest.aliases': {
    en: '{file}: an alias is unknown, or aliases repeat too much; write the values out',
    zh: '{file}：别名未定义，或别名展开过多；请直接写出值',
  },
  'manifest.reservedField': {
    en: '{file}: line {line}, column {column}: `{field}` cannot be used as a name; choose another',
    zh: '{file}：第 {line} 行第 {column} 列：`{field}` 不能用作名称，请换一个',
  },

  // The shape of a field.
  'manifest.root': {
    en: '{file}: the file must be a mapping of fields to values',
    zh: '{file}：文件内容必须是“字段: 值”的映射',
  },
  'manifest.unknownField': {
    en: '{file}: `{field}` is not a field known here; remove it',
    zh: '{file}：此处没有 `{field}` 这个字段，请删除',
  },
  'manifest.unknownFieldNear': {
    en: '{file}: `{field}` is not a field known here; did you mean `{near}`?',
    zh: '{file}：此处没有 `{field}` 这个字段；您是否想写 `{near}`？',
  },
  'manifest.missing': {
    en: '{file}: `{field}` is required; state it',
    zh: '{file}：`{field}` 为必填字段，请填写',
  },
  'manifest.mustBeMapping': {
    en: '{file}: `{field}` must be a mapping of fields to values',
    zh: '{file}：`{field}` 必须是“字段: 值”的映射',
  },
  'manifest.mustBeList': {
    en: '{file}: `{field}` must be a list',
    zh: '{file}：`{field}` 必须是列表',
  },
  'manifest.mustBeText': {
    en: '{file}: `{field}` must be text; put it in quotes if it looks like something else',
    zh: '{file}：`{field}` 必须是文本；若看起来像其他类型，请加引号',
  },
  'manifest.mustBeNumber': {
    en: '{file}: `{field}` must be a number, without quotes',
    zh: '{file}：`{field}` 必须是数字，且不加引号',
  },
  'manifest.mustBeFinite': {
    en: '{file}: `{field}` must be a finite number',
    zh: '{file}：`{field}` 必须是有限的数',
  },
  'manifest.mustBeInteger': {
    en: '{file}: `{field}` must be a whole number',
    zh: '{file}：`{field}` 必须是整数',
  },
  'manifest.mustBeBoolean': {
    en: '{file}: `{field}` must be true or false',
    zh: '{file}：`{field}` 必须是 true 或 false',
  },
  'manifest.mustBeOneOf': {
    en: '{file}: `{field}` must be one of: {choices}',
    zh: '{file}：`{field}` 只能是以下之一：{choices}',
  },
  'manifest.atLeast': {
    en: '{file}: `{field}` must be at least {minimum}',
    zh: '{file}：`{field}` 不得小于 {minimum}',
  },
  'manifest.atMost': {
    en: '{file}: `{field}` must be at most {maximum}',
    zh: '{file}：`{field}` 不得大于 {maximum}',
  },
  'manifest.positive': {
    en: '{file}: `{field}` must be above 0',
    zh: '{file}：`{field}` 必须大于 0',
  },
  'manifest.invalid': {
    en: '{file}: `{field}` does not have the form described in docs/manifests.md',
    zh: '{file}：`{field}` 不符合 docs/manifests.md 中规定的形式',
  },
  'manifest.name': {
    en: '{file}: `{field}` must be a name of 1 to 63 bytes without control characters or spaces around it',
    zh: '{file}：`{field}` 必须是 1 至 63 字节的名称，不含控制字符，首尾无空格',
  },
  'manifest.emptyText': {
    en: '{file}: `{field}` must not be empty',
    zh: '{file}：`{field}` 不能为空',
  },

  // dataset.yaml.
  'manifest.timeZone': {
    en: '{file}: `{field}` must be an IANA time zone such as Asia/Shanghai',
    zh: '{file}：`{field}` 必须是 IANA 时区名，例如 Asia/Shanghai',
  },
  'manifest.gradeCore': {
    en: '{file}: `{field}`: core data are never run here; do not register them',
    zh: '{file}：`{field}`：核心数据不得在此运行，请勿登记',
  },
  'manifest.unitForm': {
    en: '{file}: `{field}` must be the name of a column, `row`, or { column: … }',
    zh: '{file}：`{field}` 必须是列名、`row` 或 { column: … }',
  },
  'manifest.unitUndeclared': {
    en: '{file}: `{field}` names the column `{column}`, which `columns` does not declare; declare it with role: unit',
    zh: '{file}：`{field}` 指定的列 `{column}` 未在 `columns` 中声明；请声明并设 role: unit',
  },
  'manifest.unitRole': {
    en: '{file}: `{field}` must be unit, because this column is the privacy unit',
    zh: '{file}：`{field}` 必须为 unit，因为该列是隐私单元',
  },
  'manifest.unitOther': {
    en: '{file}: `{field}` is unit, but `privacyUnit` does not name this column; only that one may be the unit',
    zh: '{file}：`{field}` 为 unit，但 `privacyUnit` 未指定该列；只有被指定的列才能是隐私单元',
  },
  'manifest.unitValues': {
    en: '{file}: `{field}`: the values of a privacy unit are never public; remove the list',
    zh: '{file}：`{field}`：隐私单元的取值不得公开，请删除该列表',
  },
  'manifest.columnsEmpty': {
    en: '{file}: `{field}` must declare at least one column',
    zh: '{file}：`{field}` 至少要声明一列',
  },
  'manifest.columnsCase': {
    en: '{file}: `{field}` differs from another column only in upper and lower case; rename one',
    zh: '{file}：`{field}` 与另一列仅大小写不同，请改名',
  },
  'manifest.columnType': {
    en: '{file}: `{field}` must be one of: integer, number, decimal(n) with n from 0 to 18, string, boolean, date, timestamp',
    zh: '{file}：`{field}` 只能是以下之一：integer、number、decimal(n)（n 为 0 至 18）、string、boolean、date、timestamp',
  },
  'manifest.keyName': {
    en: '{file}: `{field}` names a key: 1 to 64 lower-case letters, digits, `_` and `-`, a letter or digit first',
    zh: '{file}：`{field}` 是密钥名称：1 至 64 个小写字母、数字、`_`、`-`，以字母或数字开头',
  },
  'manifest.boundsPair': {
    en: '{file}: `{field}` must be a list of two bounds: [low, high], both numbers or both dates',
    zh: '{file}：`{field}` 必须是两个边界的列表：[下界, 上界]，同为数字或同为日期',
  },
  'manifest.boundsKind': {
    en: '{file}: `{field}`: a column of type {type} has no bounds; remove them',
    zh: '{file}：`{field}`：类型为 {type} 的列没有边界，请删除',
  },
  'manifest.boundsOrder': {
    en: '{file}: `{field}`: the low bound must not be above the high bound',
    zh: '{file}：`{field}`：下界不得大于上界',
  },
  'manifest.boundsWidth': {
    en: '{file}: `{field}`: the bounds are too near each other, too far apart, or too far from 0 for their distance; state other bounds or a `granularity`',
    zh: '{file}：`{field}`：上下界相距过近、过远，或相对间距离 0 过远；请修改边界或写明 `granularity`',
  },
  'manifest.safeInteger': {
    en: '{file}: `{field}` must be a whole number between -9007199254740991 and 9007199254740991',
    zh: '{file}：`{field}` 必须是 -9007199254740991 与 9007199254740991 之间的整数',
  },
  'manifest.dateText': {
    en: '{file}: `{field}` must be a calendar date YYYY-MM-DD between 0001-01-01 and 9999-12-31',
    zh: '{file}：`{field}` 必须是 0001-01-01 至 9999-12-31 之间的日期，格式为 YYYY-MM-DD',
  },
  'manifest.timestampText': {
    en: "{file}: `{field}` must be YYYY-MM-DDTHH:MM:SS in the dataset's time zone, without offset, with at most 6 decimals",
    zh: '{file}：`{field}` 必须是数据集时区的 YYYY-MM-DDTHH:MM:SS，不带时区偏移，小数秒至多 6 位',
  },
  'manifest.granularityKind': {
    en: '{file}: `{field}`: only integer, number and decimal columns have a granularity; remove it',
    zh: '{file}：`{field}`：只有 integer、number 和 decimal 列才有粒度，请删除',
  },
  'manifest.granularityStep': {
    en: '{file}: `{field}` must be a power of ten up to 1 (1, 0.1, 0.01 …) or a power of two (4, 2, 1, 0.5, 0.25 …)',
    zh: '{file}：`{field}` 必须是不大于 1 的十的幂（1、0.1、0.01……）或二的幂（4、2、1、0.5、0.25……）',
  },
  'manifest.granularityRange': {
    en: '{file}: `{field}` is too fine for the bounds: a bound divided by it must stay below 2^53; take a larger step',
    zh: '{file}：`{field}` 相对边界过细：边界除以粒度必须小于 2^53；请取更大的粒度',
  },
  'manifest.valueScalar': {
    en: '{file}: `{field}` must be text, a number, true, false or null',
    zh: '{file}：`{field}` 必须是文本、数字、true、false 或 null',
  },
  'manifest.valuesEmpty': {
    en: '{file}: `{field}` must list at least one value; remove it if the values are not public',
    zh: '{file}：`{field}` 至少要列出一个值；若取值不公开，请删除该字段',
  },
  'manifest.valuesTwice': {
    en: '{file}: `{field}` repeats an earlier value of the list; list each value once',
    zh: '{file}：`{field}` 与列表中前面的值重复，每个值只列一次',
  },
  'manifest.decimalValue': {
    en: '{file}: `{field}` has more decimals than the type of its column',
    zh: '{file}：`{field}` 的小数位数超过该列的类型',
  },
  'manifest.keyDateBounds': {
    en: '{file}: `{field}` is required: a date used as a key needs bounds (or a list of `values`)',
    zh: '{file}：`{field}` 为必填：用作分组键的日期必须有边界（或 `values` 列表）',
  },

  // policy.yaml.
  'manifest.epsilonRange': {
    en: '{file}: `{field}` must be finite and at most {maximum}',
    zh: '{file}：`{field}` 必须是有限的数，且不得大于 {maximum}',
  },
  'manifest.delta': {
    en: '{file}: `{field}` must be at least 0 and below 1',
    zh: '{file}：`{field}` 必须不小于 0 且小于 1',
  },
  'manifest.budgetForm': {
    en: '{file}: `{field}` must be { epsilon: …, delta: … }, or unlimited for synthetic data',
    zh: '{file}：`{field}` 必须是 { epsilon: …, delta: … }；合成数据可为 unlimited',
  },
  'manifest.timingForm': {
    en: '{file}: `{field}` must be planned, exact or { quantumMs: … }',
    zh: '{file}：`{field}` 必须是 planned、exact 或 { quantumMs: … }',
  },
  'manifest.jobAboveBudget': {
    en: '{file}: `{field}` is above the budget: `{limit}` must be at least as large',
    zh: '{file}：`{field}` 超过预算：`{limit}` 不得小于它',
  },
  'manifest.selectionAboveBudget': {
    en: '{file}: `{field}` is above the half of `budget.delta` that pays for thresholded keys; lower it',
    zh: '{file}：`{field}` 超过 `budget.delta` 中用于阈值键的一半，请调低',
  },
  'manifest.maxBelowEpsilon': {
    en: '{file}: `{field}` must be at least `perJob.epsilon`',
    zh: '{file}：`{field}` 不得小于 `perJob.epsilon`',
  },
  'manifest.pureMechanism': {
    en: '{file}: `{field}` must be laplace where delta is 0',
    zh: '{file}：delta 为 0 时，`{field}` 必须为 laplace',
  },
  'manifest.pureKeys': {
    en: '{file}: `{field}` must be listed where delta is 0',
    zh: '{file}：delta 为 0 时，`{field}` 必须为 listed',
  },
  'manifest.jobDeltaZero': {
    en: '{file}: `{field}` must be above 0 unless `budget.delta` is 0 (then with mechanism laplace)',
    zh: '{file}：`{field}` 必须大于 0，除非 `budget.delta` 为 0（此时 mechanism 须为 laplace）',
  },
  'manifest.thresholdDeltaZero': {
    en: '{file}: `{field}` must be above 0 where keys are thresholded',
    zh: '{file}：使用阈值键时，`{field}` 必须大于 0',
  },
  'manifest.powerOfTwo': {
    en: '{file}: `{field}` must be a power of two between 2 and 65536',
    zh: '{file}：`{field}` 必须是 2 至 65536 之间的二的幂',
  },
  'manifest.verification': {
    en: '{file}: `{field}`: an answer about one named person or firm is not an aggregate and is never released; remove verification and offer the match rate over a list of at least the minimum cohort',
    zh: '{file}：`{field}`：针对单个特定个人或企业的核验不是聚合结果，一律不予发布；请删除 verification，改为提供名单匹配率，名单人数不得少于最小群体数',
  },
  'manifest.syntheticOnly': {
    en: '{file}: `{field}` may be {value} only for a dataset of origin: synthetic',
    zh: '{file}：只有 origin: synthetic 的数据集才允许 `{field}` 为 {value}',
  },

  // Encrypted columns.
  'manifest.encryptedOnly': {
    en: '{file}: `{field}` goes only with `source.type: encrypted`; remove it',
    zh: '{file}：`{field}` 只能与 `source.type: encrypted` 一起使用；请删除',
  },
  'manifest.encryptedSealed': {
    en: '{file}: `{field}` does not go with `source.type: encrypted`, whose ciphertexts nobody here can open; remove it',
    zh: '{file}：`{field}` 不能与 `source.type: encrypted` 同用，其密文在此无人可解；请删除',
  },
  'manifest.encryptedUnit': {
    en: '{file}: `{field}` must be `encrypted` where `source.type` is: units were bounded when the data were encrypted, and nobody can see them since',
    zh: '{file}：`source.type` 为 encrypted 时，`{field}` 必须为 `encrypted`：隐私单元在加密时已限定，此后无人可见',
  },
  'manifest.encryptedRole': {
    en: '{file}: `{field}` must be key (a clear column, which the platform sees) or value (an encrypted one): units and hidden columns have no place in encrypted data',
    zh: '{file}：`{field}` 只能是 key（明文列，平台可见）或 value（加密列）：加密数据中不得有隐私单元列或隐藏列',
  },
  'manifest.encryptedClear': {
    en: '{file}: `{field}` is required: a clear column of encrypted data lists its public values',
    zh: '{file}：必须填写 `{field}`：加密数据的明文列须列出公开取值',
  },
  'manifest.encryptedValue': {
    en: '{file}: `{field}` must be integer, number or decimal(n): an encrypted column holds numbers',
    zh: '{file}：`{field}` 只能是 integer、number 或 decimal(n)：加密列只能是数字',
  },
  'manifest.encryptedBounds': {
    en: '{file}: `{field}` is required, and within 2^47 steps of the granularity: an encrypted column is clamped when it is encrypted',
    zh: '{file}：必须填写 `{field}`，且不超过 2^47 个粒度步长：加密列在加密时即被截断',
  },
  'manifest.encryptedNullable': {
    en: '{file}: `{field}` must name an encrypted column, once',
    zh: '{file}：`{field}` 必须是某个加密列的名称，且不得重复',
  },
  'manifest.digest': {
    en: '{file}: `{field}` must be a SHA-256 digest: 64 digits 0-9, a-f',
    zh: '{file}：`{field}` 必须是 SHA-256 摘要：64 位 0-9、a-f',
  },
  'manifest.publicKey': {
    en: '{file}: `{field}` must be a public Ed25519 key: the 43 characters of `x` in its JWK',
    zh: '{file}：`{field}` 必须是 Ed25519 公钥：即其 JWK 中 `x` 的 43 个字符',
  },
  'manifest.https': {
    en: '{file}: `{field}` must be an https:// address',
    zh: '{file}：`{field}` 必须是 https:// 地址',
  },

  'manifest.populationName': {
    en: '{file}: `{field}` may not begin with `population:`, which names the ledgers that populations share',
    zh: '{file}：`{field}` 不得以 `population:` 开头，该前缀用于各人群共用的账本',
  },

  // Known, not honoured yet. What a reader would rely on is refused, never ignored.
  'manifest.laterVersion': {
    en: '{file}: field `{field}` is known but this version does not honour it yet: only `fixed` is; register new content as a new file of the same lineage',
    zh: '{file}：字段 `{field}` 已定义，但本版本尚不支持：目前只支持 `fixed`；请把新内容登记为同一 lineage 的新文件',
  },
  'manifest.laterReference': {
    en: '{file}: field `{field}` is known but this version does not honour its value `none` yet: name a column, or `row`',
    zh: '{file}：字段 `{field}` 已定义，但本版本尚不支持取值 `none`：请指定列名或 `row`',
  },
  'manifest.laterPeriod': {
    en: '{file}: field `{field}` is known but this version does not honour it yet: name the column alone, which protects a unit for its lifetime',
    zh: '{file}：字段 `{field}` 已定义，但本版本尚不支持：请只指定列名，即对隐私单元终身保护',
  },
  'manifest.laterSource': {
    en: '{file}: field `{field}` is known but this version does not honour this value yet: export the table to a parquet or csv file',
    zh: '{file}：字段 `{field}` 已定义，但本版本尚不支持该取值：请把表导出为 parquet 或 csv 文件',
  },
  'manifest.laterThreshold': {
    en: '{file}: field `{field}` is known but this version does not honour threshold mode yet: use mechanism gaussian or laplace',
    zh: '{file}：字段 `{field}` 已定义，但本版本尚不支持阈值模式：请使用 gaussian 或 laplace 机制',
  },
  'manifest.laterEnterprises': {
    en: '{file}: field `{field}` is known but this version does not honour it yet: make the enterprise the privacy unit and use `minimumCohort`',
    zh: '{file}：字段 `{field}` 已定义，但本版本尚不支持：请把企业设为隐私单元并使用 `minimumCohort`',
  },
  'manifest.laterJoins': {
    en: '{file}: field `{field}` is known but this version does not honour it yet, because it refuses every join: remove it',
    zh: '{file}：字段 `{field}` 已定义，但本版本拒绝一切连接，尚不支持：请删除',
  },
  'manifest.laterNoise': {
    en: '{file}: field `{field}` is known but this version does not honour `shared` yet: write own, or remove the field',
    zh: '{file}：字段 `{field}` 已定义，但本版本尚不支持 `shared`：请写 own 或删除该字段',
  },
  'manifest.laterRenewal': {
    en: '{file}: field `{field}` is known but this version does not honour it yet: a budget is for the lifetime of the lineage; remove it',
    zh: '{file}：字段 `{field}` 已定义，但本版本尚不支持：预算对该 lineage 终身有效；请删除',
  },
} as const;
