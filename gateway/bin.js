#!/usr/bin/env node
// @ts-check
/**
 * The `unseen` command: starts the CLI with a Node.js that can run it.
 *
 * Plain JavaScript for Node.js 18 and later, because it runs before the right Node.js is found. On Node.js
 * 24 or later it runs the CLI in this process. On an older one it starts the Node.js 24 that the package
 * brings along, on the same terminal, and passes on signals and the way the child ended.
 *
 * Guarantee: the exit code, or the signal, is the CLI's own.
 * Not covered: a SIGKILL to this process cannot be passed on; the child goes on.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const NEEDED_MAJOR = 24;
/** Asked to end, reload or print; SIGUSR1 is left out because Node.js takes it for its debugger. */
const PASSED_ON = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2', 'SIGWINCH']);
/** A terminal sends these to the whole foreground group: the child has them already. */
const FROM_TERMINAL = new Set(['SIGINT', 'SIGQUIT', 'SIGWINCH']);
const EXIT_OUR_FAULT = 1;

if (majorOf(process.versions.node) >= NEEDED_MAJOR) await runHere();
else runWith(findBundledNode());

/** Runs the CLI in this process. */
async function runHere() {
  // The published package holds .js only (Node.js strips no types under node_modules); the repository .ts only.
  const cli = ['cli.js', 'cli.ts']
    .map((name) => new URL(name, import.meta.url))
    .find((url) => existsSync(url));
  if (cli === undefined)
    return fail('the package is incomplete: gateway/cli is missing', '安装包不完整：缺少 gateway/cli');
  if (cli.pathname.endsWith('.ts') && cli.pathname.includes('/node_modules/')) return failUnpacked();
  const { main } = await import(cli.href);
  process.exitCode = await main(process.argv.slice(2));
}

/**
 * Runs this file again under another Node.js and ends as that run ends.
 * @param {string | undefined} node
 */
function runWith(node) {
  if (node === undefined) return failWithoutNode();
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of PASSED_ON) {
    process.on(signal, () => {
      if (!(process.stdin.isTTY && FROM_TERMINAL.has(signal))) child.kill(signal);
    });
  }
  child.on('error', (error) => fail(`cannot start ${node}: ${error.message}`, `无法启动 ${node}`));
  child.on('exit', (code, signal) => {
    for (const passed of PASSED_ON) process.removeAllListeners(passed);
    process.exitCode = code ?? 128 + constants.signals[signal ?? 'SIGTERM'];
    if (signal !== null) process.kill(process.pid, signal);
  });
}

/** The Node.js 24 among the optional dependencies, or undefined where there is none for this machine. */
function findBundledNode() {
  try {
    const manifest = createRequire(import.meta.url).resolve(
      `node-${process.platform}-${process.arch}/package.json`,
    );
    const node = join(dirname(manifest), 'bin', 'node');
    return existsSync(node) ? node : undefined;
  } catch {
    return undefined;
  }
}

function failUnpacked() {
  fail(
    'this copy holds TypeScript, which Node.js does not run under node_modules; install the archive that `npm run pack` makes.',
    '此副本是 TypeScript 源码，Node.js 不会运行 node_modules 下的 TypeScript；请安装 `npm run pack` 生成的压缩包。',
  );
}

function failWithoutNode() {
  const machine = `${process.platform}-${process.arch}`;
  fail(
    `this is Node.js ${process.versions.node}; unseen needs Node.js ${NEEDED_MAJOR} or later, and none is bundled for ${machine}. ` +
      'Install it from your system or nodejs.org, or reinstall without --omit=optional.',
    `当前 Node.js 版本为 ${process.versions.node}；unseen 需要 Node.js ${NEEDED_MAJOR} 或更高版本，且没有适用于 ${machine} 的内置版本。` +
      '请安装新版 Node.js，或在不使用 --omit=optional 的情况下重新安装。',
  );
}

/**
 * Both languages stand here and not in the table of sentences: that is TypeScript, and cannot be read yet.
 * @param {string} english
 * @param {string} chinese
 */
function fail(english, chinese) {
  process.stderr.write(`unseen: ${english}\nunseen: ${chinese}\n`);
  process.exitCode = EXIT_OUR_FAULT;
}

/** @param {string} version */
function majorOf(version) {
  return Number.parseInt(version, 10);
}
