/** The dimensions of reports about use. */

/** By what usage is summed. */
export const USAGE_DIMENSIONS = [
  'dataset',
  'buyer',
  'purpose',
  'scene',
  'grant',
  'account',
  'outcome',
  'product',
  'purposeClass',
] as const;

export type UsageDimension = (typeof USAGE_DIMENSIONS)[number];
