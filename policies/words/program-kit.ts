/** Sentences of the authoring kit: a first program, its types, and what to do next. */
export const PROGRAM_KIT_WORDS = {
  'kit.noColumn': {
    en: 'dataset `{dataset}` has no column that a program may read',
    zh: '数据集 {dataset} 没有可供程序读取的列',
  },
  'kit.exists': {
    en: '`{file}` is there already; --force replaces it',
    zh: '{file} 已存在；使用 --force 可覆盖',
  },
  'kit.unwritable': {
    en: '`{file}` cannot be written',
    zh: '无法写入 {file}',
  },
  'kit.schema': {
    en: 'the server describes dataset `{dataset}` in a way that this version does not know',
    zh: '服务器对数据集 {dataset} 的描述不是本版本所支持的形式',
  },
  'kit.wrote': {
    en: 'wrote {files}',
    zh: '已写入 {files}',
  },
  'kit.next': {
    en: 'change prog.js, and what prog.yaml says of it; then, in {directory}:',
    zh: '请修改 prog.js 以及 prog.yaml 中的相应说明；然后在 {directory} 中执行：',
  },
  'kit.finding': {
    en: 'record {record}, line {line}: {message}',
    zh: '第 {record} 条记录，第 {line} 行：{message}',
  },
  'kit.block': {
    en: 'block {record}, line {line}: {message}',
    zh: '第 {record} 个分块，第 {line} 行：{message}',
  },
  'kit.counts': {
    en: 'in all: {counts}',
    zh: '合计：{counts}',
  },
  'kit.output': {
    en: '`{name}`: {gave} counted, {defaulted} without a number, {clamped} clamped',
    zh: '`{name}`：{gave} 条计入，{defaulted} 条没有数值，{clamped} 条被截断',
  },
  'kit.clean': {
    en: 'nothing went wrong',
    zh: '未发现问题',
  },
  'cli.program.init': {
    en: 'write a first program for a dataset, with types and made-up records',
    zh: '为数据集生成一个初始程序，附类型声明与模拟记录',
  },
  'cli.program.types': {
    en: 'write the types of a program again, after its manifest changed',
    zh: '清单修改后重新生成程序的类型声明',
  },
  'cli.program.try': {
    en: 'run a program on made-up records here, and say what goes wrong',
    zh: '在本机用模拟记录试运行程序，并指出问题',
  },
  'cli.flag.kitDataset': {
    en: 'a dataset: its manifest file, or its name on the server',
    zh: '数据集：清单文件，或其在服务器上的名称',
  },
  'cli.flag.kitDirectory': { en: 'where to write; default: here', zh: '写入的目录；默认为当前目录' },
  'cli.flag.kitName': { en: 'the name of the program; default: first', zh: '程序名称；默认为 first' },
  'cli.flag.force': { en: 'replace files that are there', zh: '覆盖已有文件' },
} as const;
