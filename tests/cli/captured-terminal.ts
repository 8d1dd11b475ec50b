/** A terminal that keeps what is written to it, for tests of the command line without a process. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { programOf, runProgram } from '#gateway/cli/program.ts';
import type { Terminal } from '#gateway/cli/terminal.ts';

export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface CommandLine {
  readonly directory: string;
  run(args: readonly string[], changes?: Partial<Terminal>): Promise<Ended>;
  /** Runs with `--json` and parses what was printed. */
  json(args: readonly string[], changes?: Partial<Terminal>): Promise<{ code: number; value: unknown }>;
  remove(): void;
}

/** A verb by its whole name, such as `unseen job list`. */
export interface Verb {
  readonly name: string;
  readonly command: Command;
}

/** Every verb of the command line. */
export function allVerbs(): readonly Verb[] {
  return verbsOf(programOf(silentTerminal()), ['unseen']);
}

function verbsOf(command: Command, path: readonly string[]): Verb[] {
  return command.commands.flatMap((child) => {
    const names = [...path, child.name()];
    return child.commands.length > 0 ? verbsOf(child, names) : [{ name: names.join(' '), command: child }];
  });
}

/** A fetch for commands that must not use any. */
const noFetch: typeof fetch = () => {
  throw new RangeError('this command went to the network');
};

/** A terminal that says nothing to anybody. */
function silentTerminal(): Terminal {
  return {
    language: 'en',
    configDirectory: '/nowhere',
    profile: undefined,
    fetch: noFetch,
    isWatched: false,
    out: async () => undefined,
    err: () => undefined,
    input: async () => '',
    stopped: async () => undefined,
    end: () => undefined,
  };
}

/** A command line with a home of its own. */
export function commandLine(defaults: Partial<Terminal> = {}): CommandLine {
  const directory = mkdtempSync(join(tmpdir(), 'unseen-cli-'));
  const run: CommandLine['run'] = async (args, changes = {}) => {
    const written = { out: '', err: '', code: 0 };
    const terminal: Terminal = {
      ...silentTerminal(),
      configDirectory: join(directory, 'config'),
      out: async (text) => {
        written.out += text;
      },
      err: (text) => {
        written.err += text;
      },
      end: (code) => {
        written.code = code;
      },
      ...defaults,
      ...changes,
    };
    await runProgram(args, terminal);
    return written;
  };
  return {
    directory,
    run,
    json: async (args, changes) => {
      const { code, out } = await run([...args, '--json'], changes);
      return { code, value: JSON.parse(out) as unknown };
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}
