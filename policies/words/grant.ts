/** Sentences of the grant area: id, English, Chinese. */
export const GRANT_WORDS = {} as const;
