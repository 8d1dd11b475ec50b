/** The only reader of the environment: what a process was told before it started, typed. */
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { type Language, languageOf } from '#policies/words.ts';

/** The reader's language: LC_ALL, LC_MESSAGES, LANG, in the order of POSIX. */
export function languageOfEnvironment(environment: NodeJS.ProcessEnv = process.env): Language {
  return languageOf(environment['LC_ALL'] || environment['LC_MESSAGES'] || environment['LANG']);
}

/** Where the command line keeps its profiles. A relative XDG_CONFIG_HOME is ignored, as that specification demands. */
export function configDirectory(environment: NodeJS.ProcessEnv = process.env): string {
  const stated = environment['XDG_CONFIG_HOME'] ?? '';
  return join(isAbsolute(stated) ? stated : join(homedir(), '.config'), 'unseen');
}

/** The profile that a shell chose for all its commands; undefined: the one that was made current. */
export function profileOfEnvironment(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  return environment['UNSEEN_PROFILE'] || undefined;
}

/** The address of a PostgreSQL server; undefined: the embedded database. It may hold a password. */
export function databaseUrlOfEnvironment(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  return environment['UNSEEN_DATABASE_URL'] || undefined;
}
