/** History is a text of "day:amount" pairs. */
class Purchases {
  total = 0;
  last = 0;
  days = [];
  constructor(text) {
    for (const pair of text.split(',')) {
      const [day, amount] = pair.split(':').map(Number);
      if (Number.isFinite(day) && Number.isFinite(amount)) this.add(day, amount);
    }
  }
  add(day, amount) {
    this.days.push(day);
    this.total += amount;
    this.last = Math.max(this.last, day);
  }
  get meanGap() {
    return this.days.length < 2 ? 0 : (this.last - Math.min(...this.days)) / (this.days.length - 1);
  }
}
export function map(row, params) {
  const purchases = new Purchases(row.history ?? '');
  return { features: [params.today - purchases.last, purchases.meanGap, Math.log1p(purchases.total)] };
}
