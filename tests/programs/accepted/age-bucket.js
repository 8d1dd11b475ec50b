const LIMITS = [18, 65];
const NAMES = ['child', 'adult', 'senior'];
export const map = ({ age }) => {
  let index = 0;
  while (index < LIMITS.length && age >= LIMITS[index]) index++;
  return { n: 1, band: NAMES[index] };
};
