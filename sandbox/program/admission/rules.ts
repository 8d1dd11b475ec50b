/** Every rule of admission, in the order in which they are checked and documented. */
import type { Rule, TreeRule } from './finding.ts';
import { catchRule } from './rules/catch.ts';
import { classRule } from './rules/class.ts';
import { clockRule } from './rules/clock.ts';
import { initialiserRule } from './rules/initialiser.ts';
import { moduleRule } from './rules/module-level.ts';
import { nameRule } from './rules/name.ts';
import { parameterRule } from './rules/parameter.ts';
import { propertyRule } from './rules/property.ts';
import { stateRule } from './rules/state.ts';
import { textRule } from './rules/text.ts';
import { thisRule } from './rules/this.ts';
import { syntaxRule } from './syntax.ts';

/** Rules that read an accepted tree with its scopes. */
export const TREE_RULES: readonly TreeRule[] = [
  moduleRule,
  initialiserRule,
  stateRule,
  nameRule,
  propertyRule,
  clockRule,
  classRule,
  thisRule,
  catchRule,
  parameterRule,
];

export const RULES: readonly Rule[] = [textRule, syntaxRule, ...TREE_RULES];
