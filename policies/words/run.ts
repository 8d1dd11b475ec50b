/** Sentences of the run area: id, English, Chinese. */
export const RUN_WORDS = {} as const;
