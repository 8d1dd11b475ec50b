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
} as const;
