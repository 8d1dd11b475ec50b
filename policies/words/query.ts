/** Sentences of the query area: id, English, Chinese. */
export const QUERY_WORDS = {} as const;
