/**
 * The names that a program may use without defining them: one row, one reason. All else is refused by name.
 *
 * Every one of them is frozen where the program runs, with all that can be reached from it.
 */

/** name → why it can keep nothing from one record to the next. */
export const GLOBALS: Readonly<Record<string, string>> = {
  Array: 'makes arrays, which belong to the record',
  BigInt: 'makes whole numbers, which are values',
  Boolean: 'converts a value',
  Date: 'makes dates, which belong to the record; it knows no present time there',
  Error: 'makes errors; stacks are empty there',
  EvalError: 'as Error',
  RangeError: 'as Error',
  ReferenceError: 'as Error',
  SyntaxError: 'as Error',
  TypeError: 'as Error',
  URIError: 'as Error',
  JSON: 'turns values into text and back',
  Map: 'makes maps, which belong to the record',
  Math: 'functions of numbers; without random there',
  Number: 'converts a value',
  Object: 'makes objects, which belong to the record; what is frozen stays so',
  RegExp: 'makes regular expressions, which belong to the record; without the memory of the last match there',
  Set: 'makes sets, which belong to the record',
  String: 'converts a value',
  Infinity: 'a value',
  NaN: 'a value',
  undefined: 'a value',
  isFinite: 'a function of a number',
  isNaN: 'a function of a number',
  parseFloat: 'a function of a text',
  parseInt: 'a function of a text',
};
