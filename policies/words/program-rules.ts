/** Sentences of admission. */
export const PROGRAM_RULE_WORDS = {} as const;
