/**
 * Makes the package that is published: the same files as here, with the types stripped out of every .ts.
 *
 * Node.js runs our TypeScript as it stands, but strips no types under node_modules, so what others install
 * holds .js. Stripping puts blanks where types were: lines and columns in a stack are those of the source.
 *
 * Usage: node .ci/pack.ts [FOLDER]. Prints the path of the archive.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, posix, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '..');
const PUBLISHED = [
  '{gateway,sandbox,crypto,policies}/**/*.*',
  'docs/problems/*.md',
  '{README*,LICENSE,CHANGELOG,SECURITY,ARCHITECTURE}{,.md}',
];
/** Fields of package.json that only matter in the repository. */
const LEFT_OUT = ['private', 'scripts', 'devDependencies'];

/** Packs the project into `folder`; the path of the archive. */
export function pack(folder: string): string {
  const staged = mkdtempSync(join(tmpdir(), 'unseen-pack-'));
  try {
    stage(staged);
    const printed = execFileSync('npm', ['pack', '--json', '--pack-destination', resolve(folder)], {
      cwd: staged,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return join(resolve(folder), archiveIn(printed));
  } finally {
    rmSync(staged, { recursive: true, force: true });
  }
}

function archiveIn(printed: string): string {
  const report = JSON.parse(printed) as Record<string, { filename: string }> | { filename: string }[];
  const [archive] = Object.values(report);
  if (archive === undefined) throw new Error('npm pack made no archive');
  return archive.filename;
}

function stage(target: string): void {
  const paths = globSync(PUBLISHED, { cwd: ROOT });
  const modules = new Set(paths.filter((path) => path.endsWith('.ts')));
  for (const path of paths) {
    const into = join(target, path);
    mkdirSync(dirname(into), { recursive: true });
    if (modules.has(path)) {
      const source = readFileSync(join(ROOT, path), 'utf8');
      writeFileSync(into.replace(/\.ts$/, '.js'), toJavaScript(path, source, modules));
    } else copyFileSync(join(ROOT, path), into);
  }
  writeFileSync(join(target, 'package.json'), publishedManifest());
}

/** Strips the types, and names our own modules by the names they have in the package. */
export function toJavaScript(path: string, source: string, modules: ReadonlySet<string>): string {
  const stripped = stripTypeScriptTypes(source, { mode: 'strip' });
  return stripped.replace(
    /(['"`])((?:\.{1,2}|#\w+)\/[^'"`\s]*)\.ts\1/g,
    (written, quote: string, name: string) => {
      const module = `${name.startsWith('#') ? name.slice(1) : posix.join(posix.dirname(path), name)}.ts`;
      // A name that we cannot follow would fail on somebody else's machine.
      if (!modules.has(module)) throw new Error(`${path}: ${written} leads to no file of the package`);
      return `${quote}${name}.js${quote}`;
    },
  );
}

function publishedManifest(): string {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Record<string, unknown>;
  const { '#tests/*': _, ...imports } = manifest['imports'] as Record<string, string>;
  const kept = Object.entries(manifest).filter(([field]) => !LEFT_OUT.includes(field));
  return `${JSON.stringify({ ...Object.fromEntries(kept), imports }, null, 2)}\n`;
}

if (import.meta.main) console.log(pack(process.argv[2] ?? '.'));
