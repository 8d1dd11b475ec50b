/** Sentences of the gateway area: id, English, Chinese. */
export const GATEWAY_WORDS = {} as const;
