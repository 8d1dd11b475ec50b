export function map({ card }) {
  const digits = [...String(card)].filter((c) => c >= '0' && c <= '9').map(Number);
  if (digits.length < 12) return 0;
  let sum = 0;
  digits.reverse().forEach((digit, index) => {
    const doubled = index % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  });
  return sum % 10 === 0 ? 1 : 0;
}
