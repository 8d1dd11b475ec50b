const FORM = /^([A-Z])(\d{2})(?:\.(\d{1,2}))?$/i;
const CHAPTERS = { I: 'circulatory', J: 'respiratory' };
export const map = (row) => {
  const [, letter, , detail = '0'] = FORM.exec((row.code ?? '').trim()) ?? [];
  if (letter === undefined) return { valid: 0, chapter: 'other' };
  return { valid: Number(detail) >= 0 ? 1 : 0, chapter: CHAPTERS[letter.toUpperCase()] ?? 'other' };
};
