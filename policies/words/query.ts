/** Sentences about queries: what is refused when SQL is read, bound and planned, each with a way out. */
export const QUERY_WORDS = {
  'parse.oneSelect': {
    en: 'send exactly one SELECT statement',
    zh: '请只提交一条 SELECT 语句',
  },
  'parse.syntax': {
    en: '{message}, at character {at}',
    zh: 'SQL 语法错误（{message}），位置：第 {at} 个字符',
  },
  'parse.tooLong': {
    en: 'the statement is longer than {max} bytes; shorten it',
    zh: '语句超过 {max} 字节，请缩短',
  },
  'parse.tooDeep': {
    en: 'the statement nests deeper than {max} levels; flatten it',
    zh: '语句嵌套超过 {max} 层，请减少嵌套',
  },
  'parse.binary': {
    en: 'the statement contains a NUL character or text that is not valid Unicode',
    zh: '语句含有 NUL 字符或无效的 Unicode 文本',
  },
  'parse.fullWidth': {
    en: 'full-width `{char}` at character {at}: type ASCII `{ascii}` (a Chinese input method may be on)',
    zh: '第 {at} 个字符是全角“{char}”，请改用半角 {ascii}（可能开启了中文输入法）',
  },
  'query.unknownNode': {
    en: '`{node}` at character {at} is not part of the SQL accepted here',
    zh: '第 {at} 个字符处的 {node} 不在可接受的 SQL 范围内',
  },
  'query.clause': {
    en: '{clause} is not accepted; ask for aggregates with WHERE, GROUP BY, HAVING, ORDER BY and LIMIT',
    zh: '不接受 {clause}；请使用 WHERE、GROUP BY、HAVING、ORDER BY、LIMIT 构成的聚合查询',
  },
  'query.subqueryClause': {
    en: '{clause} is not accepted in a sub-query: it may only choose and compute row by row (SELECT … FROM … WHERE …)',
    zh: '子查询中不接受 {clause}：子查询只能逐行选取和计算（SELECT … FROM … WHERE …）',
  },
  'query.notAggregate': {
    en: 'the query returns rows; only aggregates leave (for example COUNT(*), SUM(column) GROUP BY a listed column)',
    zh: '该查询返回明细行；只有聚合结果可以离开（例如 COUNT(*)、按公开分组列 GROUP BY 的 SUM(列)）',
  },
  'query.mixed': {
    en: '`{item}` at character {at} is neither an aggregate nor one of the GROUP BY items',
    zh: '第 {at} 个字符处的 {item} 既不是聚合，也不在 GROUP BY 中',
  },
  'query.nestedAggregate': {
    en: '`{name}` at character {at}: an aggregate may stand only by itself in the SELECT list, not inside another expression',
    zh: '第 {at} 个字符处的 {name}：聚合函数只能单独出现在 SELECT 列表中，不能嵌套在其他表达式里',
  },
  'query.table': {
    en: 'there is no dataset `{name}` here; name one of: {known}',
    zh: '没有名为 {name} 的数据集；可用：{known}',
  },
  'query.tableKind': {
    en: 'at character {at}: only a dataset by its name, or a row-wise sub-query, may stand in FROM',
    zh: '第 {at} 个字符处：FROM 中只能写数据集名称或逐行子查询',
  },
  'query.join': {
    en: 'joins are not built in this version: ask about one dataset at a time',
    zh: '本版本尚不支持连接（JOIN）：每次只查询一个数据集',
  },
  'query.column': {
    en: 'there is no column `{name}` to use at character {at}; columns: {known}',
    zh: '第 {at} 个字符处没有可用的列 {name}；可用列：{known}',
  },
  'query.unitColumn': {
    en: '`{name}` identifies the privacy unit: it may be used only as COUNT(DISTINCT {name})',
    zh: '{name} 标识隐私单元：只能用于 COUNT(DISTINCT {name})',
  },
  'query.privatePredicate': {
    en: '`{name}` identifies persons or is closed to queries: it may not be used in a condition',
    zh: '{name} 可识别个体或不对查询开放：不能用于条件',
  },
  'query.havingOutput': {
    en: 'HAVING at character {at} may use only outputs of the SELECT list and constants',
    zh: '第 {at} 个字符处：HAVING 只能使用 SELECT 列表中的输出和常量',
  },
  'query.orderOutput': {
    en: 'ORDER BY at character {at} may use only outputs of the SELECT list',
    zh: '第 {at} 个字符处：ORDER BY 只能使用 SELECT 列表中的输出',
  },
  'query.function': {
    en: 'function `{name}` at character {at} is not accepted; aggregates: {aggregates}; others: {scalars}',
    zh: '第 {at} 个字符处的函数 {name} 不可用；聚合：{aggregates}；其他：{scalars}',
  },
  'query.arguments': {
    en: '`{name}` at character {at} takes {expected}',
    zh: '第 {at} 个字符处的 {name} 的参数应为：{expected}',
  },
  'query.distinct': {
    en: 'DISTINCT is accepted only as COUNT(DISTINCT {unit}), the privacy unit',
    zh: 'DISTINCT 只能用于 COUNT(DISTINCT {unit})（隐私单元）',
  },
  'query.distinctRow': {
    en: 'DISTINCT is not accepted: each row is its own privacy unit here, so use COUNT(*)',
    zh: '不接受 DISTINCT：此数据集以行为隐私单元，请使用 COUNT(*)',
  },
  'query.privateKey': {
    en: '`{name}` cannot be a grouping key: its values are not public; group by a column with role key and listed values, or by date_trunc, width_bucket or CASE with constants',
    zh: '{name} 不能作为分组列：其取值不公开；请按 role 为 key 且列出取值的列分组，或使用 date_trunc、width_bucket、常量 CASE',
  },
  'query.keyBounds': {
    en: 'grouping by `{name}` needs bounds in the dataset manifest, from which its public values are enumerated',
    zh: '按 {name} 分组需要在数据集清单中声明 bounds，以枚举公开取值',
  },
  'query.bounds': {
    en: '{name} needs clamp bounds at character {at}: the dataset manifest declares none for this argument, or the expression can grow without bound (for example a division by a value that may be 0)',
    zh: '第 {at} 个字符处的 {name} 需要截断界：数据集清单未为该参数声明 bounds，或表达式可能无界（例如除以可能为 0 的值）',
  },
  'query.cells': {
    en: 'the keys span {cells} cells; the policy allows {max}: use fewer keys, coarser periods or narrower bounds',
    zh: '分组共有 {cells} 个单元格，策略上限为 {max}：请减少分组列、放宽时间粒度或缩小界限',
  },
  'query.entries': {
    en: 'the answer would hold {entries} numbers; at most {max} are computed in one job: use fewer bins, quantiles or cells',
    zh: '结果将包含 {entries} 个数，单次作业最多 {max} 个：请减少分箱、分位数或单元格',
  },
  'query.wideThresholded': {
    en: 'HISTOGRAM and QUANTILE need listed keys: group by columns whose values are public, or do not group',
    zh: 'HISTOGRAM 与 QUANTILE 要求分组取值公开：请按已列出取值的列分组，或不分组',
  },
  'query.tooLarge': {
    en: 'an expression has, written out, more than {nodes} parts or {depth} levels; simplify it',
    zh: '表达式展开后超过 {nodes} 个部分或 {depth} 层，请简化',
  },
  'query.type': {
    en: 'at character {at}: expected {expected}, found {found}',
    zh: '第 {at} 个字符处：应为 {expected}，实际为 {found}',
  },
  'query.literal': {
    en: '`{text}` at character {at} is not a valid {type}',
    zh: '第 {at} 个字符处的 {text} 不是有效的 {type}',
  },
  'query.likePattern': {
    en: 'the LIKE pattern at character {at} must be a text constant that does not end in a backslash',
    zh: '第 {at} 个字符处的 LIKE 模式必须是不以反斜杠结尾的文本常量',
  },
  'query.parameter': {
    en: '{name} at character {at} must be {rule}',
    zh: '第 {at} 个字符处的 {name} 必须为 {rule}',
  },
  'query.epsilon': {
    en: 'epsilon must be a number above 0 and at most {max} (perJob.max); asked: {asked}',
    zh: 'epsilon 必须大于 0 且不超过 {max}（perJob.max）；所求：{asked}',
  },
  'query.delta': {
    en: 'delta must be a number {rule} and at most {max} (perJob.delta); asked: {asked}',
    zh: 'delta 必须 {rule} 且不超过 {max}（perJob.delta）；所求：{asked}',
  },
  'query.range': {
    en: '{name} at character {at}: its bounds span more steps of its granularity than can be summed exactly; declare a coarser granularity',
    zh: '第 {at} 个字符处的 {name}：界限范围内的粒度步数过多，无法精确求和；请声明更粗的 granularity',
  },
} as const;
