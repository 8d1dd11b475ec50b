/** The only reader of the environment: what a process was told before it started, typed. */
import { type Language, languageOf } from '#policies/words.ts';

/** The reader's language: LC_ALL, LC_MESSAGES, LANG, in the order of POSIX. */
export function languageOfEnvironment(environment: NodeJS.ProcessEnv = process.env): Language {
  return languageOf(environment['LC_ALL'] || environment['LC_MESSAGES'] || environment['LANG']);
}
