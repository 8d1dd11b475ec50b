/** The reader as a program for the jail: its modules, the engine's packages, its one input and its limits. */
import { realpathSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OPENER_MODULES } from '#crypto/at-rest/open.ts';
import type { JailMode } from '../jail/jail.ts';
import {
  findPackage,
  FRAME_MODULES,
  JAIL_SCRATCH,
  type JailLimits,
  type JailProgram,
  type NodePackage,
} from '../jail/program.ts';
import type { SourceFile } from './source.ts';

/** The entry first. */
const MODULES = [
  './reader-process',
  './csv-header',
  './engine',
  './footer',
  './protocol',
  './record-range',
  './unseal',
  '../worker/records',
  ...OPENER_MODULES.map((name) => `../../crypto/${name}`),
  ...FRAME_MODULES,
];

const MEBIBYTE = 2 ** 20;
/** Node, DuckDB's library and the stacks and arenas of their threads: 1.9 GiB reserved before the first query. */
const BASE_ADDRESS_SPACE_MIB = 4096;
/** Measured peak: 1.9 GiB more at a limit of 1.5 GiB. The engine's own limit is meant to be met first. */
const ADDRESS_SPACE_PER_MEMORY = 2;
const OPEN_FILES = 256;
/** Result columns are built in JavaScript before they are sent. */
const HEAP_MIB = 1024;

/** What a reader over `source` runs as. `scratch` is a directory of the caller's. */
export function readerProgram(
  source: SourceFile,
  scratch: string,
  memory: { readonly memoryMiB: number; readonly spillMiB: number },
): JailProgram {
  return {
    ...programParts(),
    inputs: [{ from: realpathSync(source.path), to: inputPath(source) }],
    scratch,
    limits: limitsFor(memory, 0),
  };
}

/** What a reader over a sealed source runs as: with no directory of this machine, and memory in its place. */
export function sealedReaderProgram(
  source: SourceFile,
  sealedBytes: number,
  memory: { readonly memoryMiB: number; readonly spillMiB: number },
): JailProgram {
  return {
    ...programParts(),
    inputs: [{ from: realpathSync(source.path), to: SEALED_INPUT }],
    // What is sealed is longer than what it holds.
    scratch: { maxBytes: sealedBytes + memory.spillMiB * MEBIBYTE },
    limits: limitsFor(memory, sealedBytes),
  };
}

function programParts(): Pick<JailProgram, 'modules' | 'packages' | 'args' | 'nodeFlags'> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return {
    modules: MODULES.map((name) => fileURLToPath(new URL(`${name}.${extension}`, import.meta.url))),
    packages: enginePackages(),
    args: [],
    nodeFlags: [`--max-old-space-size=${HEAP_MIB}`],
  };
}

/** Where a reader finds an envelope. */
export const SEALED_INPUT = '/source/data.sealed';
/** Where it puts what was in it, and what its engine spills: both memory. */
export const SEALED_PLACES = { path: join(JAIL_SCRATCH, 'data'), scratch: join(JAIL_SCRATCH, 'spill') };

/**
 * Where the reader finds its source and its scratch directory. Without a jail the source gets a name of ours by a link, since
 * a path with `*` or `[` in it would be a pattern to the engine.
 */
export function placesOf(
  mode: JailMode,
  source: SourceFile,
  scratch: string,
): { readonly path: string; readonly scratch: string } {
  if (mode === 'bubblewrap') return { path: inputPath(source), scratch: JAIL_SCRATCH };
  const path = join(scratch, `source.${source.type}`);
  symlinkSync(realpathSync(source.path), path);
  return { path, scratch };
}

function inputPath({ type }: SourceFile): string {
  return `/source/data.${type}`;
}

function limitsFor(
  { memoryMiB, spillMiB }: { readonly memoryMiB: number; readonly spillMiB: number },
  longestFileBytes: number,
): JailLimits {
  return {
    addressSpaceBytes: (BASE_ADDRESS_SPACE_MIB + ADDRESS_SPACE_PER_MEMORY * memoryMiB) * MEBIBYTE,
    fileBytes: Math.max(spillMiB * MEBIBYTE, longestFileBytes),
    openFiles: OPEN_FILES,
  };
}

let packages: readonly NodePackage[] | null = null;

/**
 * DuckDB's three packages for this machine. Its fourth, which tells glibc from musl, is left out: without it the binding
 * for glibc is taken, and only that one is jailed here.
 */
function enginePackages(): readonly NodePackage[] {
  if (packages !== null) return packages;
  const api = findPackage('@duckdb/node-api', import.meta.url);
  const bindings = findPackage('@duckdb/node-bindings', `${api.directory}/package.json`);
  const name = `@duckdb/node-bindings-${process.platform}-${process.arch}`;
  packages = [api, bindings, findPackage(name, `${bindings.directory}/package.json`)];
  return packages;
}
