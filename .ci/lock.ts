/**
 * Completes package-lock.json with the packages of other platforms, without which `npm ci` refuses it.
 *
 * npm leaves a platform's optional package out of the lock file when the registry it asked does not hold that
 * version, and `npm ci` then calls the file out of step, on every platform. What is missing is known without
 * asking: the version is the one demanded, and the platform is in the name. Such an entry has no hash; npm
 * checks the download against the registry's own.
 *
 * Usage, after each change of dependencies: node .ci/lock.ts
 */
import { readFileSync, writeFileSync } from 'node:fs';

interface Entry {
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly dev?: boolean;
  readonly optional?: boolean;
}

/** Entries by place, `node_modules/a/node_modules/b`; the project itself is ''. */
type Entries = Readonly<Record<string, Entry>>;

export interface Lack {
  /** The place of the package that demands it. */
  readonly by: string;
  readonly name: string;
  readonly version: string;
  readonly optional: boolean;
}

/** What packages demand and the lock file does not hold. */
export function lacksOf(entries: Entries): Lack[] {
  return Object.entries(entries).flatMap(([by, entry]) =>
    [
      { demanded: entry.dependencies, optional: false },
      { demanded: entry.optionalDependencies, optional: true },
    ].flatMap(({ demanded, optional }) =>
      Object.entries(demanded ?? {})
        .filter(([name]) => findPlace(entries, by, name) === undefined)
        .map(([name, version]) => ({ by, name, version, optional })),
    ),
  );
}

/** Where Node.js would find a package: in the demanding one's node_modules, or in one further up. */
function findPlace(entries: Entries, by: string, name: string): string | undefined {
  for (let base = by; ; base = base.replace(/\/?(?:^|(?<=\/))node_modules\/(?:@[^/]+\/)?[^/]+$/, '')) {
    const place = base === '' ? `node_modules/${name}` : `${base}/node_modules/${name}`;
    if (place in entries) return place;
    if (base === '') return undefined;
  }
}

const SYSTEM = /\b(aix|android|darwin|freebsd|linux|netbsd|openbsd|openharmony|sunos|win32)\b/;
const PROCESSOR = /\b(arm64|arm|ia32|loong64|mips64el|ppc64|riscv64|s390x|x64)\b/;

/** The entry of an optional package for another platform. RangeError where the name does not tell which. */
export function entryOf({ by, name, version, optional }: Lack, entries: Entries) {
  const [os, cpu] = [SYSTEM.exec(name)?.[0], PROCESSOR.exec(name)?.[0]];
  if (!optional || os === undefined || cpu === undefined || !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version)) {
    throw new RangeError(`${name}@${version}, demanded by ${by}, is missing and not of another platform`);
  }
  const libc = name.includes('musl') ? ['musl'] : /gnu/.test(name) ? ['glibc'] : undefined;
  return {
    version,
    cpu: [cpu],
    ...(entries[by]?.dev === true && { dev: true }),
    ...(os === 'linux' && libc !== undefined && { libc }),
    optional: true,
    os: [os],
  };
}

function complete(file: string): number {
  const lock = JSON.parse(readFileSync(file, 'utf8')) as { packages: Record<string, Entry> };
  const lacks = lacksOf(lock.packages);
  for (const lack of lacks) lock.packages[`node_modules/${lack.name}`] = entryOf(lack, lock.packages);
  lock.packages = Object.fromEntries(
    Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, 'en')),
  );
  writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
  return lacks.length;
}

if (import.meta.main) console.log(`${complete('package-lock.json')} packages of other platforms added`);
