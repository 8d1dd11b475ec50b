/**
 * Which rules a price follows: from whom the data come, what they are used for, and by which channel.
 *
 * Guarantee: use of public data for public governance and welfare, and everything in the open channel, is free of
 * charge; use of public data for industry has a price guided by the government; other data have a market price.
 *
 * 发改价格〔2025〕65号: 用于公共治理、公益事业的，免费提供；用于产业发展、行业发展的，实行政府指导价管理. Data that are made up have
 * no people and no authority behind them; their prices are the market's.
 */
import type { Channel } from '#policies/grant.ts';
import type { PurposeClass } from '#policies/purpose.ts';
import type { DatasetOrigin } from '#sandbox/manifest/dataset.ts';

export type PriceRegime = 'free' | 'guided' | 'market';

/** The regime of a use. */
export function regimeOf(origin: DatasetOrigin, purposeClass: PurposeClass, channel: Channel): PriceRegime {
  if (channel === 'open') return 'free';
  if (origin !== 'public') return 'market';
  return purposeClass === 'governance_welfare' ? 'free' : 'guided';
}
