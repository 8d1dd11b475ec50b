/** Sentences of the manifest area: id, English, Chinese. */
export const MANIFEST_WORDS = {} as const;
