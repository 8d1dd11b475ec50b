/**
 * The programs of the kill tests, each put into one file by the bundler that Vitest brings along.
 *
 * The modules are the real ones and as they are; only their loading is cheaper: a process that loads 300 files takes
 * 0.2 s of a processor to start, one that loads one takes 0.06 s, and a thousand are started. `import.meta.url` is that
 * of the one module that reads files beside itself, the migrations.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** As much of Rolldown as is used here. */
interface Bundler {
  rolldown(options: object): Promise<{ write(options: object): Promise<unknown>; close(): Promise<void> }>;
}

export const KINDS = ['gateway', 'runner', 'clerk'] as const;

export type Kind = (typeof KINDS)[number];

export interface Programs {
  /** Paths of files. */
  readonly files: Readonly<Record<Kind, string>>;
  remove(): void;
}

/** Bundles the programs into a folder of their own. */
export async function bundlePrograms(): Promise<Programs> {
  const folder = mkdtempSync(join(tmpdir(), 'unseen-kills-'));
  const bundler = await findBundler();
  const bundle = await bundler.rolldown({
    input: Object.fromEntries(KINDS.map((kind) => [kind, here(`${kind}-process.ts`)])),
    platform: 'node',
    external: ['pg-native'],
    transform: {
      define: {
        'import.meta.url': JSON.stringify(String(pathToFileURL(here('../../gateway/storage/migration.ts')))),
      },
    },
    logLevel: 'silent',
  });
  await bundle.write({ dir: folder, format: 'esm', entryFileNames: '[name].mjs' });
  await bundle.close();
  const fileOf = (kind: Kind): string => join(folder, `${kind}.mjs`);
  const files = { gateway: fileOf('gateway'), runner: fileOf('runner'), clerk: fileOf('clerk') };
  return { files, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Vitest brings Vite, and Vite brings Rolldown. */
async function findBundler(): Promise<Bundler> {
  const vitest = createRequire(import.meta.url).resolve('vitest/package.json');
  const vite = createRequire(vitest).resolve('vite/package.json');
  return (await import(String(pathToFileURL(createRequire(vite).resolve('rolldown'))))) as Bundler;
}

function here(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}
