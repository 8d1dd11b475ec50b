/**
 * An admitted program of mode `map` as a trial runs it: printed as for a job, and saying on which line it is.
 *
 * Not covered: whether the program is admitted; admit.ts decides, and what it refuses has no code here either.
 */
import { printProgram } from './print/module.ts';
import { traceOf } from './print/trace.ts';
import { readText } from './rules/text.ts';
import { scopesOf } from './scope.ts';

/** The code for a trial of a module that was admitted for mode `map`. */
export function tracedProgram(module: string): string {
  const { reading } = readText(module);
  if (reading === null) throw new RangeError('only an admitted program is traced');
  return printProgram({ ...reading, scopes: scopesOf(reading.tree) }, traceOf(reading.text));
}
