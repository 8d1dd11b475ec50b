/** The `unseen` command line: its verbs, and how it ends. */
import { Command, CommanderError } from 'commander';
import packageFile from '../package.json' with { type: 'json' };
import { registerLab } from './cli/lab.ts';

const EXIT_ARGUMENTS = 2;

/** Runs one command; the exit code. Anything that escapes a command is our fault and ends the process with 1. */
export async function main(args: readonly string[]): Promise<number> {
  const program = new Command('unseen')
    .description(packageFile.description)
    .version(packageFile.version)
    .exitOverride()
    .showHelpAfterError();
  registerLab(program);
  try {
    await program.parseAsync(args, { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_ARGUMENTS;
    throw error;
  }
}
