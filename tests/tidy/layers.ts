/** The layers: which folder may reach which, and through which one place each outside package comes in. */
import { isBuiltin } from 'node:module';
import { finding, isIn, type Rule, SOURCES } from './rule.ts';
import {
  addressesOf,
  folderOf,
  importsOf,
  resolveFrom,
  SOURCE_FOLDERS,
  type Reach,
  type SourceFile,
} from './source.ts';

/** folder → folders it may import. Arrows point down; nothing points back up. */
const MAY_REACH: Readonly<Record<string, readonly string[]>> = {
  policies: [],
  crypto: [],
  sandbox: ['policies', 'crypto'],
  gateway: ['policies', 'crypto', 'sandbox'],
  tests: [...SOURCE_FOLDERS, 'tests', '.ci'],
  '.ci': [],
};

export const importsPointDown: Rule = {
  name: 'imports point down the layers, by `#folder/` across folders',
  check: (file) => [
    ...importsOf(file).flatMap((reach) => crossing(file, reach)),
    ...startedBy(file).flatMap((reach) => upward(file, reach, folderReached(file.path, reach.specifier))),
  ],
};

/** Modules started by address; an address of a document or of data is no import. */
function startedBy(file: SourceFile): Reach[] {
  return addressesOf(file).filter(({ specifier }) => /\.(ts|js)$/.test(specifier));
}

function crossing(file: SourceFile, reach: Reach): string[] {
  const own = folderOf(file.path);
  const target = folderReached(file.path, reach.specifier);
  const relative = reach.specifier.startsWith('.');
  if (target === undefined || target === own || target === '') return [];
  if (relative && target !== '.ci')
    return [finding(file, reach.line, `leaves its folder by \`${reach.specifier}\``)];
  return upward(file, reach, target);
}

function upward(file: SourceFile, reach: Reach, target: string | undefined): string[] {
  const own = folderOf(file.path);
  if (target === undefined || target === own || own === '') return [];
  return MAY_REACH[own]?.includes(target) ? [] : [finding(file, reach.line, `may not reach ${target}/`)];
}

/** The top-level folder a specifier leads to; undefined for a package or a file of the root. */
function folderReached(path: string, specifier: string): string | undefined {
  if (specifier.startsWith('#')) return folderOf(specifier.slice(1));
  return specifier.startsWith('.') ? folderOf(resolveFrom(path, specifier)) : undefined;
}

/**
 * Where each package may be imported: one door each, so that it can be replaced, faked and reviewed there.
 * docs/decisions/0003-dependencies.md says what each is for and what it would cost to remove.
 */
export const DOORS: Readonly<Record<string, readonly string[]>> = {
  '@cedar-policy/cedar-wasm': ['policies/'],
  '@duckdb/node-api': ['sandbox/reader/', 'gateway/demo/generate.ts'],
  '@electric-sql/pglite': ['gateway/storage/'],
  '@hono/node-server': ['gateway/'],
  '@hono/zod-openapi': ['gateway/'],
  acorn: ['sandbox/program/admission/parse.ts'],
  canonicalize: ['crypto/canonical.ts', 'policies/'],
  commander: ['gateway/'],
  'drizzle-orm': ['gateway/storage/', 'gateway/runner/source-store.ts'],
  hono: ['gateway/'],
  'isolated-vm': ['sandbox/worker/isolate.ts'],
  jose: ['crypto/', 'gateway/auth/'],
  'libpg-query': ['sandbox/query/parse.ts'],
  'node-seal': ['crypto/he/library.ts', 'crypto/he/seal.ts'],
  pg: ['gateway/storage/'],
  pino: ['gateway/'],
  'prom-client': ['gateway/'],
  'sm-crypto-v2': ['crypto/sm/sm2.ts'],
  ses: ['sandbox/worker/ses-text.ts'],
  yaml: ['sandbox/manifest/'],
  zod: SOURCES,
};

export const packagesHaveOneDoor: Rule = {
  name: 'a package is imported only where its door is',
  check: (file) => {
    if (!isIn(file.path, SOURCES)) return [];
    return importsOf(file).flatMap((reach) => {
      if (/^[.#]/.test(reach.specifier) || isBuiltin(reach.specifier)) return [];
      const name = packageOf(reach.specifier);
      const doors = DOORS[name];
      if (doors === undefined) return [finding(file, reach.line, `imports \`${name}\`, which has no door`)];
      return isIn(file.path, doors) ? [] : [finding(file, reach.line, `imports \`${name}\` past its door`)];
    });
  },
};

export const builtinsSayNode: Rule = {
  name: 'modules of Node.js are imported as node:',
  check: (file) =>
    importsOf(file)
      .filter(({ specifier }) => isBuiltin(specifier) && !specifier.startsWith('node:'))
      .map((reach) => finding(file, reach.line, `imports \`${reach.specifier}\` without node:`)),
};

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/** What may be reached only from certain places of the gateway, so that its HTTP side never opens a source. */
const GUARDED: Readonly<Record<string, readonly string[]>> = {
  'sandbox/reader/': ['gateway/runner/', 'gateway/keys/', 'gateway/lab/'],
  // Keys of data, and whoever keeps them.
  'gateway/keys/': [
    'gateway/keys/',
    'gateway/runner/',
    'gateway/embedded.ts',
    'gateway/lab/',
    'gateway/cli/',
    'gateway/custodian/',
  ],
  'crypto/kms/': ['gateway/keys/', 'gateway/runner/', 'gateway/cli/key-verbs.ts', 'gateway/custodian/'],
  // The custodian's own side: a runner asks one over the network (client.ts) and opens none.
  'gateway/custodian/home.ts': ['gateway/custodian/', 'gateway/cli/custodian-verbs.ts'],
  'gateway/custodian/key-store.ts': ['gateway/custodian/'],
  'gateway/custodian/service.ts': ['gateway/custodian/', 'gateway/cli/custodian-verbs.ts'],
  'gateway/custodian/decryptor-host.ts': ['gateway/custodian/'],
  // The lab is a runner without a server: what it may open, only the command line may ask it to.
  'gateway/lab/': ['gateway/lab/', 'gateway/cli.ts', 'gateway/cli/'],
  // So is the demo, which makes the data that it then asks about.
  'gateway/demo/': ['gateway/demo/', 'gateway/cli.ts', 'gateway/cli/'],
};

export const onlyTheRunnerOpensSources: Rule = {
  name: 'in the gateway only the runner, and the lab for the command line, reach the code that opens data sources',
  check: (file) => {
    if (folderOf(file.path) !== 'gateway') return [];
    return [...importsOf(file), ...startedBy(file)].flatMap((reach) => {
      const place = placeOf(file.path, reach.specifier);
      const broken = Object.entries(GUARDED).some(
        ([guarded, from]) => isIn(place, [guarded]) && !isIn(file.path, from),
      );
      return broken ? [finding(file, reach.line, `reaches \`${reach.specifier}\``)] : [];
    });
  },
};

/** What tells in words what a program did, and the few who may ask for it: never anything that a job runs. */
const TELLING = /^sandbox\/(worker\/trial-|program\/trial\.ts|program\/admission\/traced\.ts)/;
const MAY_TELL = [
  'sandbox/program/trial.ts',
  'gateway/services/program-trial.ts',
  'gateway/cli/program-kit-verbs.ts',
  'gateway/trial-text.ts',
];

export const onlyTrialsTell: Rule = {
  name: 'what a program threw or returned is told by trials only, which nothing that a job runs reaches',
  check: (file) => {
    if (!isIn(file.path, SOURCES) || TELLING.test(file.path) || isIn(file.path, MAY_TELL)) return [];
    return [...importsOf(file), ...startedBy(file)]
      .filter(({ specifier }) => TELLING.test(placeOf(file.path, specifier)))
      .map(({ specifier, line }) => finding(file, line, `reaches \`${specifier}\``));
  },
};

/** What a gate for every front end may build on: Plans, their expressions, and the words of a failure. */
const GATE = 'sandbox/release/';
const BENEATH_GATE = [GATE, 'sandbox/plan.ts', 'sandbox/expression.ts', 'policies/', 'crypto/'];

export const theGateKnowsNoFrontEnd: Rule = {
  name: 'Release knows Plans and Partials, and no front end, engine or process',
  check: (file) => {
    if (!isIn(file.path, [GATE])) return [];
    return importsOf(file)
      .filter(({ specifier }) => /^[#.]/.test(specifier))
      .filter(({ specifier }) => !isIn(placeOf(file.path, specifier), BENEATH_GATE))
      .map(({ specifier, line }) => finding(file, line, `reaches \`${specifier}\``));
  },
};

function placeOf(path: string, specifier: string): string {
  return specifier.startsWith('#') ? specifier.slice(1) : resolveFrom(path, specifier);
}
