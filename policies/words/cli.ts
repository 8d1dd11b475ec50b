/** Sentences of the cli area: id, English, Chinese. */
export const CLI_WORDS = {} as const;
