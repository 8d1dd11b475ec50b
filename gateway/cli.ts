/** The `unseen` command line: one command in, its exit code out. */
import './quick-start.ts';
import { runProgram } from './cli/program.ts';
import { processTerminal } from './cli/terminal.ts';

/** Runs one command; the exit code. Anything that escapes a command is our fault and ends the process with 1. */
export async function main(args: readonly string[]): Promise<number> {
  await runProgram(args, processTerminal());
  return Number(process.exitCode ?? 0);
}
