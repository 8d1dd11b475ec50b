/** Sentences about keys, sealed sources and their destruction: id, English, Chinese. */
export const KEY_WORDS = {
  'problem.KEY_REFUSED': { en: 'The key is not given out', zh: '密钥未予发放' },
  'problem.KMS_UNAVAILABLE': { en: 'The key service does not answer', zh: '密钥服务无响应' },
  'fix.KEY_REFUSED': {
    en: 'ask the provider whether the key of this dataset is disabled or destroyed',
    zh: '请向数据提供方确认该数据集的密钥是否已停用或销毁',
  },
  'keys.refused': {
    en: 'the key of dataset `{dataset}` is not given out: it is unknown, disabled or destroyed, or the file was sealed for something else',
    zh: '数据集“{dataset}”的密钥未予发放：密钥不存在、已停用或已销毁，或该文件是为其他用途封装的',
  },
  'keys.unavailable': {
    en: 'the key service did not answer, or did not answer in time; nothing was opened',
    zh: '密钥服务未响应或响应超时；未打开任何数据',
  },
  'keys.none': {
    en: 'the source is sealed, and this program has no key store; see docs/encryption-at-rest.md',
    zh: '数据源已封装，而本程序未配置密钥库；参见 docs/encryption-at-rest.md',
  },
} as const;
