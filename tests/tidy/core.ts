/**
 * The functional core: deciding, planning, accounting and releasing are functions of their arguments alone.
 *
 * What a core function gives can therefore be tested without a machine, and re-computed by an auditor.
 */
import { finding, isIn, type Rule, SOURCES } from './rule.ts';
import { folderOf, importsOf, isNode, nameOf, type SourceFile, type SyntaxNode } from './source.ts';

const CORE = [
  'policies/',
  'crypto/',
  'sandbox/plan.ts',
  'sandbox/expression.ts',
  'sandbox/query/',
  'sandbox/release/',
  'sandbox/manifest/',
  'sandbox/program/admission/',
  'sandbox/program/manifest-file.ts',
  'sandbox/program/manifest-outputs.ts',
  'sandbox/program/manifest-schema.ts',
  'sandbox/planning.ts',
  'gateway/billing/',
  ...[
    'bin-tally',
    'blocks-bounding',
    'bounding',
    'compile',
    'keyed-hash',
    'limits',
    'mapped-column',
    'mapped-keys',
    'params',
    'planned-outputs',
    'program',
    'smallest-ranks',
    'strictest-policy',
    'tallies',
    'totals',
    'vector-tally',
  ].map((name) => `sandbox/program/${name}.ts`),
];

/** What belongs to the machine and not to the arguments, by the name it is called. */
const AMBIENT = new Set([
  'Date.now',
  'Math.random',
  'performance.now',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'fetch',
]);

/** Modules of Node.js that compute without touching anything. */
const PURE_MODULES = new Set([
  'node:buffer',
  'node:crypto',
  'node:util',
  'node:url',
  'node:path',
  'node:assert',
]);

/** Exceptions, each with its reason. A file may do only what stands here. */
const EXCEPTIONS: Readonly<Record<string, { readonly may: readonly string[]; readonly because: string }>> = {
  'policies/engine.ts': {
    may: ['node:fs', 'node:module'],
    because: 'it loads the policies and the engine we ship',
  },
  'crypto/kms/sealed-file.ts': {
    may: ['node:fs'],
    because: 'it keeps the keyring, on disk before it returns',
  },
  'crypto/kms/vault-client.ts': {
    may: ['node:fs', 'node:https'],
    because: 'it asks a key-management service, with a token from a file',
  },
  'sandbox/manifest/manifest-text.ts': {
    may: ['node:fs'],
    because: 'it reads the bounded file; the rest parses text',
  },
  'crypto/he/library.ts': {
    may: ['node:fs', 'process.versions'],
    because: 'it checks the digests of the library it loads, and which Node.js that would run on',
  },
  'crypto/he/dataset-files.ts': {
    may: ['node:fs/promises'],
    because: 'it reads ciphertexts, each against its digest',
  },
  'crypto/he/encrypt-dataset.ts': {
    may: ['node:fs/promises'],
    because: 'it writes an encrypted dataset and what an interrupted run has finished',
  },
  'crypto/he/encryption-journal.ts': {
    may: ['node:fs/promises'],
    because: 'it remembers what an interrupted run has finished',
  },
  'crypto/he/encryption-threads.ts': {
    may: ['node:worker_threads'],
    because: 'one instance of the library per thread is its only way to use two cores',
  },
  'crypto/he/encrypt-thread.ts': {
    may: ['node:worker_threads'],
    because: 'it is such a thread',
  },
};

export const coreIsPure: Rule = {
  name: 'the core asks no clock, environment, network, disk or timer',
  check: (file) => {
    if (!isIn(file.path, CORE)) return [];
    return [...ambientCalls(file), ...impureModules(file)]
      .filter(({ what }) => !EXCEPTIONS[file.path]?.may.includes(what))
      .map(({ what, at }) => finding(file, at, `uses \`${what}\``));
  },
};

function ambientCalls(file: SourceFile): { what: string; at: SyntaxNode | number }[] {
  return file.nodes.flatMap((node) => {
    const isBareCall =
      node.type === 'CallExpression' && isNode(node['callee']) && node['callee'].type === 'Identifier';
    const named = isBareCall ? node['callee'] : node.type === 'MemberExpression' ? node : null;
    const name = nameOf(named)?.replace(/^globalThis\./, '') ?? '';
    if (AMBIENT.has(name) || /^process\.\w+$/.test(name)) return [{ what: name, at: node }];
    const isClock = node.type === 'NewExpression' && nameOf(node['callee']) === 'Date';
    return isClock && (node['arguments'] as unknown[]).length === 0 ? [{ what: 'new Date()', at: node }] : [];
  });
}

function impureModules(file: SourceFile): { what: string; at: number }[] {
  return importsOf(file)
    .filter(({ specifier }) => specifier.startsWith('node:') && !PURE_MODULES.has(specifier))
    .map(({ specifier, line }) => ({ what: specifier, at: line }));
}

/** Where the core may wait for an answer: a library that works only so. */
const MAY_AWAIT: Readonly<Record<string, string>> = {
  'crypto/signing.ts': 'WebCrypto signs and verifies asynchronously',
  'crypto/receipt.ts': 'it signs and verifies',
  'crypto/statement.ts': 'it verifies signatures',
  'crypto/he/order.ts': 'it signs and verifies',
  'sandbox/release/attestation.ts': 'it verifies signatures',
  'crypto/kms/local.ts': 'its contract is that of services elsewhere, and it waits for a lock',
  'crypto/kms/vault.ts': 'its service is elsewhere',
  'crypto/kms/vault-client.ts': 'its service is elsewhere',
  'crypto/at-rest/seal.ts': 'its source gives bytes when it has them',
  'crypto/at-rest/open.ts': 'its source gives bytes when it has them',
  'crypto/he/library.ts': 'WebAssembly is compiled once per process, when it is first needed',
  'crypto/he/seal.ts': 'it opens the library',
  'crypto/he/dataset-manifest.ts': 'it signs and verifies',
  'crypto/he/dataset-files.ts': 'it reads files',
  'crypto/he/encrypt-dataset.ts': 'it reads rows as they come and writes files',
  'crypto/he/encryption-journal.ts': 'it writes a file',
  'crypto/he/encryption-threads.ts': 'threads answer when they are done',
  'crypto/he/encrypt-thread.ts': 'it opens the library',
  'sandbox/query/parse.ts': 'WebAssembly is compiled once, when the module is first imported',
};

export const coreIsSynchronous: Rule = {
  name: 'the core is synchronous',
  check: (file) => {
    if (!isIn(file.path, CORE) || file.path in MAY_AWAIT) return [];
    return file.nodes
      .filter((node) => node['async'] === true || node.type === 'AwaitExpression')
      .map((node) => finding(file, node, 'is asynchronous'));
  },
};

const RANDOM = new Set([
  'randomBytes',
  'randomFill',
  'randomFillSync',
  'randomInt',
  'randomUUID',
  'getRandomValues',
  'webcrypto',
]);

/** Where fresh random bits may be drawn in the layers below the gateway. Noise comes from the first alone. */
const RANDOM_DOORS: Readonly<Record<string, string>> = {
  'sandbox/release/random.ts': 'the only source of noise bits',
  'crypto/fresh-bytes.ts': 'keys, salts and nonces of crypto/',
};

export const randomnessHasOneDoor: Rule = {
  name: 'below the gateway fresh random bits come through named files only, and Math.random is nowhere',
  check: (file) => {
    if (!isIn(file.path, SOURCES)) return [];
    const mayDraw = folderOf(file.path) === 'gateway' || file.path in RANDOM_DOORS;
    return file.nodes.flatMap((node) => {
      if (nameOf(node) === 'Math.random') return [finding(file, node, 'uses `Math.random`')];
      if (mayDraw || node.type !== 'Identifier' || !RANDOM.has(String(node['name']))) return [];
      return [finding(file, node, `draws by \`${String(node['name'])}\``)];
    });
  },
};

/** Who may read the environment, and why. */
const ENVIRONMENT_READERS: Readonly<Record<string, string>> = {
  'gateway/config.ts': 'the one reader: typed, frozen, tested',
  'sandbox/jail/probe-process.ts': 'it reports from inside the jail that the environment is empty',
};

export const environmentHasOneReader: Rule = {
  name: 'only gateway/config.ts reads the environment',
  check: (file) => {
    if (!isIn(file.path, SOURCES)) return [];
    if (file.path in ENVIRONMENT_READERS) return [];
    const reads = file.nodes.filter(
      (node) =>
        nameOf(node) === 'process.env' ||
        (node.type === 'ImportSpecifier' && nameOf(node['imported']) === 'env' && importsProcess(file)),
    );
    return reads.map((node) => finding(file, node, 'reads `process.env`'));
  },
};

function importsProcess(file: SourceFile): boolean {
  return importsOf(file).some(({ specifier }) => /^(node:)?process$/.test(specifier));
}
