/**
 * Builds of the path of programs that lack one layer, for negative controls: what is run in them is what product code
 * would run, with that one thing taken away.
 */

/** Admission as it is, with values of the module that nobody freezes. */
export function withoutHardening(code: string): string {
  return `${code.replaceAll('$harden', '$same')}function $same(value) { return value; }\n`;
}

/** What the driver calls, of a program that pays for nothing. */
const NOTHING_METERED = 'export function $begin() {}\nexport function $spent() { return false; }\n';

/** No rules and no printer: the module as it was written. */
export function asWritten(module: string): string {
  return `${module}${NOTHING_METERED}`;
}

/** The same, with the values of the module frozen once all of them are there. */
export function withoutAdmission(module: string): string {
  const names = [
    ...module.matchAll(/^(?:export )?(?:const|let|var|class|function) (\w+)|; (?:const|class) (\w+)/gm),
  ];
  const frozen = names.map(([, first, later]) => `$harden(${first ?? later});\n`);
  return asWritten(`${module}${frozen.join('')}`);
}
