/** Sentences of the note area: id, English, Chinese. */
export const NOTE_WORDS = {} as const;
