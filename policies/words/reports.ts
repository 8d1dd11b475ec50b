/** Sentences about exports, reports and reconciliation. */
export const REPORT_WORDS = {
  'reports.extract': {
    en: 'throughLeaf and throughAt stand together, and so do afterLeaf and afterAt, which need them',
    zh: 'throughLeaf 与 throughAt 须成对给出；afterLeaf 与 afterAt 亦须成对，且须同时给出前两者',
  },
  'copy.empty': { en: '{file} holds no copy of usage', zh: '{file} 中没有用量副本' },
  'copy.head': {
    en: '{file}, line {line}: a section of a copy must begin here, with {"copy": …} of version 1',
    zh: '{file} 第 {line} 行：此处应为副本的一节之首，即版本 1 的 {"copy": …}',
  },
  'copy.order': {
    en: '{file}, line {line}: this section does not go on where the one before ended; a section is missing, doubled or out of place',
    zh: '{file} 第 {line} 行：本节未接续上一节的终点；有一节缺失、重复或错位',
  },
  'copy.line': {
    en: '{file}, line {line}: not a usage event',
    zh: '{file} 第 {line} 行：不是用量事件',
  },
  'copy.repeated': {
    en: '{file}, line {line}: {id} is there twice or out of order',
    zh: '{file} 第 {line} 行：{id} 重复出现或次序有误',
  },
  'copy.twice': { en: '{file}: {id} stands in two sections', zh: '{file}：{id} 出现在两节之中' },
  'copy.cut': {
    en: '{file} is cut off after line {line}: the section from line {begin} on has no signature; without it the copy can be used again',
    zh: '{file} 在第 {line} 行之后被截断：自第 {begin} 行起的一节没有签名；删去该节后副本可继续使用',
  },
  'copy.changed': {
    en: '{file}: lines {begin} to {line} are not those that were signed; at least one was changed, added or left out',
    zh: '{file}：第 {begin} 至 {line} 行与签名时不符，至少有一行被改动、增加或删去',
  },
  'copy.signature': {
    en: '{file}, line {line}: no valid signature',
    zh: '{file} 第 {line} 行：没有有效签名',
  },
  'copy.key': {
    en: '{file}, line {line}: signed by a key that is not the one given',
    zh: '{file} 第 {line} 行：签名密钥不是所指定的密钥',
  },
  'copy.signers': {
    en: '{file}, line {line}: signed by another key than the sections before; name the keys with --key',
    zh: '{file} 第 {line} 行：签名密钥与之前各节不同；请以 --key 指明密钥',
  },
  'copy.foreign': {
    en: '{file} is a copy of {organisation}, and the other one of {other}',
    zh: '{file} 是 {organisation} 的副本，而另一份属于 {other}',
  },
  'copy.notOwn': {
    en: '{file} is a copy of {organisation}, and this account belongs to {other}',
    zh: '{file} 是 {organisation} 的副本，而当前账户属于 {other}',
  },
  'copy.server': { en: 'the server sent a line that is no usage event', zh: '服务器发来的一行不是用量事件' },
  'cli.copied': {
    en: '{file}: {added} records added, {records} in all, signed by {kid}',
    zh: '{file}：新增 {added} 条，共 {records} 条，签名密钥 {kid}',
  },
  'cli.copyFlags': {
    en: '--provider-key and --out stand together: who signs the copy, and where it is kept',
    zh: '--provider-key 与 --out 须成对给出：副本由谁签名、存于何处',
  },
  'cli.copyCount': {
    en: '--copy takes one file, which is compared with the server, or two, which are compared with each other',
    zh: '--copy 可给一个文件（与服务器比对），或两个文件（相互比对）',
  },
  'cli.copyKeyBroken': { en: '{file} holds no public key as JWK', zh: '{file} 中没有 JWK 格式的公钥' },
  'cli.copy.leftOnly': { en: 'only in the copy: {id} (leaf {leaf})', zh: '仅在副本中：{id}（叶 {leaf}）' },
  'cli.copy.rightOnly': {
    en: 'only on the other side: {id} (leaf {leaf})',
    zh: '仅在另一方：{id}（叶 {leaf}）',
  },
  'cli.copy.differs': { en: 'differs: {id} (leaf {leaf})', zh: '不一致：{id}（叶 {leaf}）' },
  'cli.copy.summary': {
    en: '{records} records up to {at}; differences: {differences}',
    zh: '截至 {at} 共 {records} 条；差异：{differences}',
  },
  'cli.copy.untrusted': {
    en: 'signed by {kid}, a key that you did not name with --key',
    zh: '签名密钥 {kid} 未经 --key 指明',
  },
} as const;
