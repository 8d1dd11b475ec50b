/**
 * The names that a program may not write, whether as a property or as a column, parameter or output of its manifest.
 *
 * Guarantee: one list for the manifest and for admission, so that no column has a name that the program cannot read.
 */

/** Longest name, in characters (all ASCII), as for columns of a dataset. */
const NAME_LENGTH_MAX = 63;

/** Properties that lead to constructors, prototypes, stacks and callers: one row, one reason. */
export const REFUSED_PROPERTIES = {
  constructor: 'it leads from any value to the function that makes code from text',
  prototype: 'it leads to what all values of a kind have in common',
  // In brackets, or it would set the prototype of this table.
  ['__proto__']: 'it reads and sets the prototype of a value',
  __defineGetter__: 'it puts a function behind a property',
  __defineSetter__: 'it puts a function behind a property',
  __lookupGetter__: 'it takes the function from behind a property',
  __lookupSetter__: 'it takes the function from behind a property',
  getOwnPropertyDescriptor: 'it takes the functions from behind a property',
  getOwnPropertyDescriptors: 'it takes the functions from behind a property',
  caller: 'it names the function that called',
  callee: 'it names the function that runs',
  stack: 'it shows how deep the engine is, and has a hidden place of its own',
  prepareStackTrace: 'it is called by the engine when an error is made',
  captureStackTrace: 'it writes a stack into any object',
  stackTraceLimit: 'it is a number that all errors share',
  fromAsync: 'it runs after the record is over',
  compile: 'it changes a regular expression, even a frozen one',
} as const;

export function isRefusedProperty(name: string): boolean {
  return Object.hasOwn(REFUSED_PROPERTIES, name);
}

/** Whether a name can be written in a program as `row.name`. */
export function isProgramName(name: string): boolean {
  return name.length <= NAME_LENGTH_MAX && /^[A-Za-z_][A-Za-z0-9_]*$/.test(name);
}
