const EARTH_KM = 6371;
const RADIANS = Math.PI / 180;
const HALF = 0.5 * RADIANS;
const square = (x) => x * x;
function haversine(lat1, lon1, lat2, lon2) {
  const a = square(Math.sin((lat2 - lat1) * HALF)) +
    Math.cos(lat1 * RADIANS) * Math.cos(lat2 * RADIANS) * square(Math.sin((lon2 - lon1) * HALF));
  return 2 * EARTH_KM * Math.asin(Math.sqrt(a));
}
export function map(row, params) {
  const km = haversine(row.lat, row.lon, params.lat, params.lon);
  return { near: +(km < 10), km };
}
