/**
 * Sentences of admission: what in a program is refused, and, after the first colon or semicolon, what to write instead.
 * Arguments are names that stand in the program, which its author wrote and may read.
 */
export const PROGRAM_RULE_WORDS = {
  // The text.
  'rule.text.size': {
    en: 'the module is longer than {max} bytes; shorten it, or pass large tables as params',
    zh: '模块超过 {max} 字节；请缩短，或把大型表格作为 params 传入',
  },
  'rule.text.character': {
    en: 'character {code} is invisible or changes how text reads; remove it, or write it as an escape in a string',
    zh: '字符 {code} 不可见或会改变文字的显示；请删除，或在字符串中用转义写法',
  },
  'rule.text.outsideStrings': {
    en: '`{char}` is not ASCII; outside of strings, templates, regular expressions and comments write ASCII only (for a column such as `row.{char}`, state a name under `inputs` of the manifest: a mapping of program name to column)',
    zh: '“{char}”不是 ASCII 字符；除字符串、模板、正则表达式和注释外只能使用 ASCII（如需读取 `row.{char}` 这样的列，请在清单的 `inputs` 中写成“程序内名称: 列名”的映射）',
  },
  'rule.text.fullWidth': {
    en: 'full-width `{char}`: type ASCII `{ascii}` (a Chinese input method may be on)',
    zh: '全角“{char}”：请改用半角 {ascii}（可能开启了中文输入法）',
  },
  'rule.text.htmlComment': {
    en: '`{mark}` is a comment to some readers of JavaScript and not to others; put spaces between the signs',
    zh: '`{mark}` 在某些 JavaScript 解析器中是注释，在另一些中不是；请在符号之间加空格',
  },
  'rule.text.escapedName': {
    en: 'a name is written with an escape; write its letters',
    zh: '名称中使用了转义；请直接写出字母',
  },
  'rule.text.parse': {
    en: 'this is not a JavaScript module: {message}; correct it here',
    zh: '不是合法的 JavaScript 模块（{message}）；请在此处更正',
  },
  'rule.text.nodes': {
    en: 'the module has more than {max} parts; shorten it, or pass large tables as params',
    zh: '模块的语法成分超过 {max} 个；请缩短，或把大型表格作为 params 传入',
  },
  'rule.text.depth': {
    en: 'the module nests deeper than {max} levels; flatten it with helper functions',
    zh: '模块嵌套超过 {max} 层；请用辅助函数拆分',
  },

  // Syntax.
  'rule.syntax.import': {
    en: 'a program has no imports; write what it needs into the module, or pass it as params',
    zh: '程序不能导入；请把所需内容写入模块，或作为 params 传入',
  },
  'rule.syntax.exportFrom': {
    en: 'a program exports only what it defines; write `export function {entry}(…)`',
    zh: '程序只能导出自己定义的内容；请写 `export function {entry}(…)`',
  },
  'rule.syntax.meta': {
    en: '`import.meta` and `new.target` are not known here; remove them',
    zh: '此处没有 `import.meta` 和 `new.target`；请删除',
  },
  'rule.syntax.async': {
    en: 'a record is worked through at once, so nothing may wait; write a plain function without async and await',
    zh: '每条记录即时处理，不得等待；请写不带 async 和 await 的普通函数',
  },
  'rule.syntax.generator': {
    en: 'a generator keeps its place between calls; build an array and return it',
    zh: '生成器会在多次调用之间保留进度；请构造数组并返回',
  },
  'rule.syntax.label': {
    en: 'a labelled jump leaves several loops at once and is hard to review; move the inner loop into a function and return from it',
    zh: '带标签的跳转会同时离开多层循环，难以审核；请把内层循环移入函数并用 return 离开',
  },
  'rule.syntax.tagged': {
    en: 'a tagged template keeps one object for all records; call the function with plain arguments',
    zh: '带标签的模板会为所有记录保留同一个对象；请用普通参数调用该函数',
  },
  'rule.syntax.private': {
    en: 'private names can mark objects that are shared by all records; use a plain field, such as `this._name`',
    zh: '私有名称可以给所有记录共享的对象打标记；请使用普通字段，例如 `this._name`',
  },
  'rule.syntax.staticBlock': {
    en: 'a static block runs once for all records; compute the value in a function, or write it as a constant',
    zh: '静态块只运行一次，影响所有记录；请在函数中计算，或写成常量',
  },
  'rule.syntax.classExpression': {
    en: 'a class is made once, at module level; write `class Name` there',
    zh: '类只能在模块层定义一次；请在模块层写 `class Name`',
  },
  'rule.syntax.debugger': {
    en: 'there is no debugger where the program runs; remove the statement',
    zh: '程序运行处没有调试器；请删除该语句',
  },
  'rule.syntax.unknown': {
    en: '`{node}` is not part of the JavaScript accepted here; write it with plain functions, loops and objects',
    zh: '{node} 不在可接受的 JavaScript 范围内；请改用普通函数、循环和对象',
  },

  // The module level.
  'rule.module.statement': {
    en: 'only constants, functions and classes may stand at module level, since anything else would run once for all records; move this into a function',
    zh: '模块层只能有常量、函数和类，其他语句会对所有记录只运行一次；请移入函数',
  },
  'rule.module.var': {
    en: '`var` at module level could carry a value from one record to the next; write `const`, or declare it inside the function',
    zh: '模块层的 `var` 可能把值从一条记录带到下一条；请写 `const`，或在函数内声明',
  },
  'rule.module.pattern': {
    en: 'a module-level constant has a name, not a pattern; write one constant for each name',
    zh: '模块层的常量必须是名称而不是解构模式；请为每个名称各写一个常量',
  },
  'rule.module.noEntry': {
    en: 'the module does not export its function; write `export function {entry}({args})`',
    zh: '模块没有导出入口函数；请写 `export function {entry}({args})`',
  },
  'rule.module.entryKind': {
    en: '`{entry}` must be a function; write `export function {entry}({args})`',
    zh: '`{entry}` 必须是函数；请写 `export function {entry}({args})`',
  },
  'rule.module.default': {
    en: 'the function is exported by its name; write `export function {entry}({args})` in place of `export default`',
    zh: '函数须按名称导出；请用 `export function {entry}({args})` 代替 `export default`',
  },

  // Values of module-level constants.
  'rule.initialiser.call': {
    en: 'a call at module level runs once and may keep state for all records; call it inside a function, or write its result',
    zh: '模块层的调用只运行一次，可能为所有记录保留状态；请在函数内调用，或直接写出结果',
  },
  'rule.initialiser.new': {
    en: 'an object that can change may not outlive a record; make it inside the function (at module level only `new Set([…])` and `new Map([…])` of constants are possible)',
    zh: '可变对象不得在记录之间存续；请在函数内创建（模块层只允许由常量构成的 `new Set([…])` 和 `new Map([…])`）',
  },
  'rule.initialiser.member': {
    en: 'a property may be read at module level only from `Math`, `Number` or a constant written above as an array or object; read it inside the function',
    zh: '模块层只能读取 `Math`、`Number` 或前面以数组、对象写出的常量的属性；请在函数内读取',
  },
  'rule.initialiser.object': {
    en: 'a module-level object has plain `key: value` entries; write the key as a word or text, without getter, setter or `[…]`',
    zh: '模块层的对象只能包含普通的 `键: 值`；请把键写成单词或文本，不得使用 getter、setter 或 `[…]`',
  },
  'rule.initialiser.hole': {
    en: 'a hole in an array reads what its prototype says; write `undefined`, or a value',
    zh: '数组中的空位会读取原型的值；请写 `undefined` 或一个值',
  },
  'rule.initialiser.spread': {
    en: 'at module level only a constant written above as an array or object may be spread; write the entries out',
    zh: '模块层只能展开前面以数组或对象写出的常量；请逐项写出',
  },
  'rule.initialiser.operand': {
    en: 'an operator or template at module level would turn this object into text or a number by running its code; use numbers, texts and earlier constants',
    zh: '模块层的运算符或模板会运行该对象的代码以转换为文本或数字；请使用数字、文本和前面的常量',
  },
  'rule.initialiser.later': {
    en: '`{name}` is not a constant written above; move its definition up, or compute the value inside the function',
    zh: '`{name}` 不是前面已写出的常量；请把定义移到前面，或在函数内计算',
  },
  'rule.initialiser.other': {
    en: 'this may not be the value of a module-level constant; compute it inside the function, or write its result',
    zh: '这不能作为模块层常量的值；请在函数内计算，或直接写出结果',
  },

  // State.
  'rule.state.binding': {
    en: '`{name}` belongs to the module, and a new value would reach the next record; declare a variable inside the function',
    zh: '`{name}` 属于模块，赋新值会影响下一条记录；请在函数内声明变量',
  },
  'rule.state.frozen': {
    en: '`{name}` is the same for all records and cannot change, so a cache does not work here; compute the value for each record, or use a constant table',
    zh: '`{name}` 为所有记录共用且不可更改，缓存在此无效；请逐条计算，或使用常量表',
  },
  'rule.state.method': {
    en: '`{method}` would change `{name}`, which is the same for all records; copy it first, as in `[...{name}]` or `new Map({name})`',
    zh: '`{method}` 会改变所有记录共用的 `{name}`；请先复制，例如 `[...{name}]` 或 `new Map({name})`',
  },
  'rule.state.regex': {
    en: 'a regular expression with flag {flag} remembers where it stopped; write the literal at its use, inside the function',
    zh: '带 {flag} 标志的正则表达式会记住上次停止的位置；请在函数内使用处直接书写该字面量',
  },

  // Names.
  'rule.name.unknown': {
    en: '`{name}` is not defined; programs know their own names, `row`, `params` as arguments, and {known}',
    zh: '`{name}` 未定义；程序只能使用自己的名称、作为参数的 `row` 和 `params`，以及 {known}',
  },
  'rule.name.console': {
    en: '`console` is not available: nothing that it prints would reach anybody; remove the call',
    zh: '程序不能使用 `console`，其输出不会被任何人看到；请删除该调用',
  },
  'rule.name.arguments': {
    en: '`arguments` is not available; write a rest parameter, such as `...values`',
    zh: '程序不能使用 `arguments`；请写剩余参数，例如 `...values`',
  },
  'rule.name.reserved': {
    en: '`{name}` is a name that programs may not define; choose another',
    zh: '程序不得定义名称 `{name}`；请换一个',
  },
  'rule.name.assigned': {
    en: '`{name}` belongs to the language and is the same for all records; declare a variable of your own',
    zh: '`{name}` 属于语言本身，为所有记录共用；请声明自己的变量',
  },
  'rule.property': {
    en: 'the property `{name}` leads out of the record to what all records share; if it is a column or field of yours, give it another name',
    zh: '属性 `{name}` 会通向所有记录共用的内容，不得书写；若您的列或字段恰好同名，请改名',
  },
  'rule.clock': {
    en: '`{name}` would give an answer that nobody can repeat; pass the date or the number as a param',
    zh: '`{name}` 的结果无法重现；请把日期或数字作为 params 传入',
  },

  // Classes, this, catch, parameters.
  'rule.class.nested': {
    en: 'a class is made once, at module level; move `class {name}` there',
    zh: '类只能在模块层定义一次；请把 `class {name}` 移到模块层',
  },
  'rule.class.extends': {
    en: 'a class may extend only a class that this module defines above; write a class without `extends`, or a function',
    zh: '类只能继承本模块前面定义的类；请去掉 `extends`，或改用函数',
  },
  'rule.class.static': {
    en: 'a static field or accessor belongs to all records; write a module-level constant, or a static method',
    zh: '静态字段或访问器为所有记录共用；请写成模块层常量或静态方法',
  },
  'rule.class.key': {
    en: 'members of a class are named by a word; write the name in place of `[…]`',
    zh: '类成员必须直接命名；请用名称代替 `[…]`',
  },
  'rule.class.field': {
    en: 'the value of a field may not call anything; assign it in the constructor',
    zh: '字段的初始值不得调用函数；请在构造函数中赋值',
  },
  'rule.this': {
    en: '`this` has a meaning only in methods; pass the value as an argument',
    zh: '`this` 只在方法中有意义；请把值作为参数传入',
  },
  'rule.catch.finally': {
    en: '`finally` could hide that a record used up its fuel; write the statements after the try statement',
    zh: '`finally` 可能掩盖记录已用尽燃料；请把语句写在 try 语句之后',
  },
  'rule.catch.pattern': {
    en: 'what is caught has a name, not a pattern; write `catch (error)` and read its properties inside',
    zh: '捕获的值必须是名称而不是解构模式；请写 `catch (error)` 并在其中读取属性',
  },
  'rule.parameter': {
    en: '`{name}` is used by the parameters and declared again in the body; rename one',
    zh: '`{name}` 既用于参数，又在函数体中重新声明；请更名其中一个',
  },

  // What the manifest says.
  'rule.manifest.column': {
    en: '`row.{name}` is not an input of the manifest, so it is always undefined; name one of: {known}',
    zh: '清单的 inputs 中没有 `row.{name}`，其值始终为 undefined；请使用：{known}',
  },
  'rule.manifest.param': {
    en: '`params.{name}` is not a parameter of the manifest, so it is always undefined; name one of: {known}',
    zh: '清单的 params 中没有 `params.{name}`，其值始终为 undefined；请使用：{known}',
  },
} as const;
