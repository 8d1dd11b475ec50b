// 文本归一化：全角转半角、去标点、统一同义词。
const SYNONYMS = new Map([['流感', '流行性感冒'], ['感冒', '上呼吸道感染'], ['flu', '流行性感冒']]);

function halfWidth(text) {
  return text.replace(/[\uFF01-\uFF5E]/g, (c) => String.fromCharCode(c.charCodeAt(0) - 0xfee0)).replace(/　/g, ' ');
}

export function map(row) {
  const clean = halfWidth(String(row.diagnosis ?? '')).trim().toLowerCase().replace(/[，。、；,.;\s]+/g, ' ');
  const words = clean.split(' ').map((word) => SYNONYMS.get(word) ?? word);
  return { flu: words.includes('流行性感冒') ? 1 : 0, length: words.join(' ').length };
}
