function bmi(kg, cm) { const m = cm / 100; return kg / (m * m); }
export function map({ kg, cm }) {
  const value = bmi(kg, cm);
  switch (true) {
    case value < 18.5: return { n: 1, klass: 'under' };
    case value < 24: return { n: 1, klass: 'normal' };
    case value < 28: return { n: 1, klass: 'over' };
    default: return { n: 1, klass: 'obese' };
  }
}
