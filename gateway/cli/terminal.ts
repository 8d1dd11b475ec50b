/** What a command may touch of the world, so that tests can give it another one. */
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { configDirectory, languageOfEnvironment, profileOfEnvironment } from '../config.ts';
import { Failure } from '#policies/refusal.ts';
import { EXIT } from './exit-code.ts';
import { type Language, render, say, type SentenceId } from '#policies/words.ts';

export interface Terminal {
  readonly language: Language;
  /** Where profiles are kept. */
  readonly configDirectory: string;
  /** The profile that the environment names. */
  readonly profile: string | undefined;
  readonly fetch: typeof fetch;
  /** Whether a person is looking at standard error. */
  readonly isWatched: boolean;
  /** Writes to standard output, and waits until it is taken. */
  out(text: string): Promise<void>;
  /** Writes to standard error. */
  err(text: string): void;
  /** All of standard input. */
  input(): Promise<string>;
  /** Ends when the process is asked to stop. */
  stopped(): Promise<void>;
  /** The exit code of the process, when it ends in the normal way. */
  end(code: number): void;
}

/** The real one. */
export function processTerminal(): Terminal {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // `unseen job list | head`: whoever read has read enough.
    if (error.code === 'EPIPE') process.exit(EXIT.done);
    throw error;
  });
  return {
    language: languageOfEnvironment(),
    configDirectory: configDirectory(),
    profile: profileOfEnvironment(),
    fetch,
    isWatched: process.stderr.isTTY,
    out: (written) =>
      new Promise((resolve, reject) => {
        process.stdout.write(written, (error) => (error ? reject(error) : resolve()));
      }),
    err: (written) => void process.stderr.write(written),
    input: () => text(process.stdin),
    stopped: () =>
      new Promise((resolve) => {
        for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
      }),
    end: (code) => {
      process.exitCode = code;
    },
  };
}

/** A sentence in the terminal's language. */
export function worded(
  terminal: Terminal,
  id: SentenceId,
  args: Readonly<Record<string, string | number>> = {},
): string {
  return render({ id, args }, terminal.language);
}

/** The text of a file; `-` is standard input. Failure CONFIG when it cannot be read. */
export async function readArgument(terminal: Terminal, path: string): Promise<string> {
  if (path === '-') return terminal.input();
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new Failure('CONFIG', say('cli.fileUnreadable', { file: path }), { cause });
  }
}

/** The JSON of a file or of standard input. Failure CONFIG. */
export async function readJsonArgument(terminal: Terminal, path: string): Promise<unknown> {
  const written = await readArgument(terminal, path);
  try {
    return JSON.parse(written) as unknown;
  } catch (cause) {
    throw new Failure('CONFIG', say('cli.notJson', { file: path }), { cause });
  }
}
