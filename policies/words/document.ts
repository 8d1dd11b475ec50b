/** Sentences about filed documents (agreements, products, rate cards, caps, ceilings): id, English, Chinese. */
export const DOCUMENT_WORDS = {
  'document.unknown': {
    en: '{document}: no such document was filed',
    zh: '{document}：未备案此文件',
  },
  'document.sameAccount': {
    en: '{document} was filed by {account}: somebody else approves it',
    zh: '{document} 由 {account} 提交：须由其他账户批准',
  },
  'document.approved': {
    en: '{document} was approved already; what was approved stays so',
    zh: '{document} 已获批准；批准不可更改',
  },
  'document.withdrawn': {
    en: '{document} was withdrawn; file a new wording',
    zh: '{document} 已撤回；请提交新版本',
  },
  'document.newerApproved': {
    en: '{document}: revision {newer} is approved and stands; approve and withdraw the newest wording only',
    zh: '{document}：第 {newer} 版已获批准且有效；只能批准或撤回最新版本',
  },
  'document.past': {
    en: '`from`: a new wording of {document} begins at {from}, which is past: it is {now}; let it begin later',
    zh: '`from`：{document} 的新版本始于 {from}，早于当前时间 {now}；请改为今后的时间',
  },
  'document.notAfter': {
    en: '`from`: a new wording of {document} begins at {from}; it begins after {begin}, when revision {revision} began',
    zh: '`from`：{document} 的新版本始于 {from}；应晚于第 {revision} 版的开始时间 {begin}',
  },
  'document.overlap': {
    en: '`from`: {document} would begin at {from}, before {end}, when revision {revision} ends: they overlap',
    zh: '`from`：{document} 始于 {from}，早于第 {revision} 版的结束时间 {end}：两者重叠',
  },
  'document.gap': {
    en: '`from`: {document} would begin at {from}, after {end}, when revision {revision} ends: there is a gap between them',
    zh: '`from`：{document} 始于 {from}，晚于第 {revision} 版的结束时间 {end}：两者之间有空档',
  },
  'agreement.reserved': {
    en: '`{field}`: `contributors` stands for all contributors; give the payee another id',
    zh: '{field}：contributors 用于指代全部贡献方；请为收款方另取标识',
  },
  'agreement.sum': {
    en: '`{field}`: the shares add up to {sum}, not to {whole} parts per million',
    zh: '{field}：各份额合计为百万分之 {sum}，应为 {whole}',
  },
  'agreement.feeMissing': {
    en: '`{field}`: there is no split of: {missing}',
    zh: '{field}：缺少以下费用的分配规则：{missing}',
  },
  'agreement.payee': {
    en: '`{field}`: `{payee}` is none of the payees',
    zh: '{field}：{payee} 不在收款方之列',
  },
  'agreement.otherParty': {
    en: 'the agreement {agreement} has no part for {authoriser}, who grants {grant}; revoke the grant, or file an agreement with him',
    zh: '协议 {agreement} 的当事方不含 {authoriser}，而授权 {grant} 由其作出；请撤销该授权，或提交含该方的协议',
  },
  'agreement.otherData': {
    en: 'the agreement {agreement} does not name {datasets}, which {grant} grants; revoke the grant, or file an agreement about them',
    zh: '协议 {agreement} 未列明授权 {grant} 所涉的 {datasets}；请撤销该授权，或提交列明这些数据的协议',
  },
  'agreement.notInForce': {
    en: '`parentAgreement`: {agreement} was filed, and is not in force when the grant starts, at {start}; have it approved, or let the grant start within its dates',
    zh: '`parentAgreement`：{agreement} 已提交，但在授权开始时（{start}）并未生效；请先批准该协议，或调整授权开始时间',
  },
  'product.columns': {
    en: '`{field}`: the question gives these columns: {given}; the product must state the same',
    zh: '{field}：该查询输出以下列：{given}；产品须列出相同的列',
  },
  'product.date': {
    en: '`{field}` is a date from 1900-01-01 to 2199-12-31',
    zh: '{field} 应为 1900-01-01 至 2199-12-31 之间的日期',
  },
  'product.range': {
    en: '`{field}`: its lower limit is above its upper limit',
    zh: '{field}：下限高于上限',
  },
  'product.oneQuestion': {
    en: '`{field}`: a product has exactly one of `dataset`, `sql` and `program`',
    zh: '{field}：产品须在 dataset、sql、program 中恰好填写一项',
  },
  'product.forbidden': {
    en: '`{field}`: a template has no comments, no `$`-quoted text and no backslashes; remove `{text}`',
    zh: '{field}：模板中不得有注释、$ 引用文本或反斜杠；请删除 {text}',
  },
  'product.quotes': {
    en: '`{field}`: a placeholder stands in quotes, or a quote is not closed; a placeholder brings its own quotes',
    zh: '{field}：占位符位于引号之内，或引号未闭合；占位符自带引号',
  },
  'product.braces': {
    en: '`{field}`: braces are for placeholders only, such as {placeholder}',
    zh: '{field}：花括号只用于占位符，如 {placeholder}',
  },
  'product.crowded': {
    en: '`{field}`: leave a space on both sides of {placeholder}',
    zh: '{field}：请在 {placeholder} 两侧留出空格',
  },
  'product.undeclared': {
    en: '`{field}`: {placeholder} has no parameter; `.from` and `.to` are for months',
    zh: '{field}：{placeholder} 没有对应的参数；.from 与 .to 仅用于月份',
  },
  'product.unused': {
    en: '`{field}`: nothing asks for the parameter `{name}`',
    zh: '{field}：参数 {name} 未被使用',
  },
  'product.unknownParameter': {
    en: '`{field}` is no parameter of this product; its parameters are: {known}',
    zh: '{field} 不是该产品的参数；其参数为：{known}',
  },
  'product.parameter': {
    en: '`{field}` is missing or not allowed; it has the form {form}',
    zh: '缺少 {field} 或其值不被允许；格式为 {form}',
  },
} as const;
