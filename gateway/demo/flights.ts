/**
 * The demo on input that nobody here wrote: three million US flights of 2001, from the npm package vega-datasets.
 *
 * Each row is its own privacy unit. Origins and destinations are a list typed from memory of the busiest US airports,
 * not read from the data: a key that is not listed is not counted.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const AIRPORTS = [
  'ATL',
  'ORD',
  'DFW',
  'LAX',
  'PHX',
  'DEN',
  'IAH',
  'DTW',
  'MSP',
  'LAS',
  'STL',
  'SFO',
  'EWR',
  'BOS',
  'SEA',
  'MCO',
];

/** The flight records, or null where the development dependency is not installed. */
export function findFlights(): string | null {
  try {
    const entry = createRequire(import.meta.url).resolve('vega-datasets');
    // The entry lies in the package's folder or one below it.
    return (
      [dirname(entry), dirname(dirname(entry))]
        .map((path) => join(path, 'data', 'flights-3m.parquet'))
        .find((path) => existsSync(path)) ?? null
    );
  } catch {
    return null;
  }
}

export function flightsManifest(file: string): string {
  const airports = AIRPORTS.join(', ');
  return `kind: Dataset
name: flights
title: { en: US flights of 2001, zh: 2001 年美国航班 }
source: { type: parquet, path: ${JSON.stringify(file)} }
timeZone: America/Chicago
privacyUnit: row
origin: public
grade: general
maxRows: 4000000
columns:
  date: { type: timestamp, bounds: ['2001-01-01', '2001-12-31'] }
  delay: { type: integer, bounds: [-60, 240] }
  distance: { type: integer, bounds: [0, 5000] }
  origin: { type: string, role: key, values: [${airports}] }
  destination: { type: string, role: key, values: [${airports}] }
`;
}

export const FLIGHTS_POLICY = `kind: ReleasePolicy
mechanism: gaussian
budget: { epsilon: 4, delta: 1e-6 }
perJob: { epsilon: 0.5, max: 1, delta: 1e-7 }
maxGroupsPerUnit: 1
jail: preferred
`;
