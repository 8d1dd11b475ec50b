/**
 * Sentences about prog.yaml: which field breaks which rule of programs, and what to write.
 * Rules that prog.yaml shares with the other manifests have their sentences in manifest.ts.
 */
export const PROGRAM_MANIFEST_WORDS = {
  'program.identifier': {
    en: '{file}: `{field}` must be a name that a program can write: ASCII letters, digits and _, at most 63, not beginning with a digit or $',
    zh: '{file}：`{field}` 必须是程序中可书写的名称：由 ASCII 字母、数字和 _ 组成，最多 63 个字符，不得以数字或 $ 开头',
  },
  'program.reservedName': {
    en: '{file}: `{field}` is a name that programs may not use; choose another',
    zh: '{file}：`{field}` 是程序不得使用的名称，请换一个',
  },
  'program.columnName': {
    en: '{file}: `{field}` is a column whose name a program cannot write; give it one: inputs as a mapping of program name to column, such as { age: … }',
    zh: '{file}：`{field}` 的列名无法在程序中书写；请把 inputs 写成“程序内名称: 列名”的映射，例如 { age: … }',
  },
  'program.columnTwice': {
    en: '{file}: `{field}` repeats an earlier column of the list; name each column once',
    zh: '{file}：`{field}` 与前面的列重复，每列只写一次',
  },
  'program.columnsForm': {
    en: '{file}: `{field}` must be a list of columns, or a mapping of program name to column',
    zh: '{file}：`{field}` 必须是列名的列表，或“程序内名称: 列名”的映射',
  },
  'program.empty': {
    en: '{file}: `{field}` must name at least one',
    zh: '{file}：`{field}` 至少要写一项',
  },
  'program.oneInput': {
    en: '{file}: `{field}`: a program of mode map reads exactly one dataset; remove the others, or use mode blocks',
    zh: '{file}：`{field}`：map 模式的程序只能读取一个数据集；请删除其他数据集，或改用 blocks 模式',
  },
  'program.outputField': {
    en: '{file}: `{field}` does not go with kind {kind} in mode {mode}; remove it',
    zh: '{file}：`{field}` 不适用于 {mode} 模式下的 {kind}，请删除',
  },
  'program.outputNeeds': {
    en: '{file}: `{field}` is required for kind {kind} in mode {mode}; state it',
    zh: '{file}：{mode} 模式下的 {kind} 必须填写 `{field}`',
  },
  'program.blocksKind': {
    en: '{file}: `{field}`: mode blocks averages the answers of its blocks, so only mean and vector are possible; return each figure as a mean, or use mode map',
    zh: '{file}：`{field}`：blocks 模式对各分块的结果取平均，只能是 mean 或 vector；请把各项指标作为 mean 返回，或改用 map 模式',
  },
  'program.modeField': {
    en: '{file}: `{field}` belongs to mode {mode} only; remove it, or change the mode',
    zh: '{file}：`{field}` 仅适用于 {mode} 模式；请删除该字段或更改模式',
  },
  'program.boundsEqual': {
    en: '{file}: `{field}`: the low bound must be below the high bound',
    zh: '{file}：`{field}`：下界必须小于上界',
  },
  'program.quantiles': {
    en: '{file}: `{field}` must be a list of at least one number from 0 to 1, each once',
    zh: '{file}：`{field}` 必须是由 0 到 1 之间的数组成的非空列表，且不得重复',
  },
  'program.nameTwice': {
    en: '{file}: `{field}` is also the name of an output; what a record returns has one value under each name, so rename one',
    zh: '{file}：`{field}` 与某个输出同名；记录返回的每个名称只能对应一个值，请更名',
  },
  'program.byDiffers': {
    en: '{file}: `{field}` is listed elsewhere with other values or in another order; state the same list in every output',
    zh: '{file}：`{field}` 在其他输出中列出的取值或顺序不同；请在各输出中使用相同的列表',
  },
  'program.paramDefault': {
    en: '{file}: `{field}` must be of the type that the parameter states',
    zh: '{file}：`{field}` 必须与该参数声明的类型一致',
  },
  'program.defaultUnknown': {
    en: '{file}: `{field}` names no output; name one of `outputs`',
    zh: '{file}：`{field}` 不是任何输出的名称；请使用 `outputs` 中的名称',
  },
  'program.defaultOutside': {
    en: '{file}: `{field}` must lie within the bounds of its output',
    zh: '{file}：`{field}` 必须位于该输出的边界之内',
  },
} as const;
