/**
 * The purposes data may be used for, and which contains which.
 *
 * A grant for a purpose covers every purpose below it. The two roots are the purpose classes that decide the
 * price regime: use for public governance and public welfare, and use for industry.
 * Source of the two classes: 中共中央 国务院 关于构建数据基础制度更好发挥数据要素作用的意见 (2022). The purposes
 * below them are ours.
 */

interface PurposeEntry {
  /** The purpose that contains this one; null for a purpose class. */
  readonly parent: string | null;
  readonly en: string;
  readonly zh: string;
}

export const PURPOSES = {
  governance_welfare: { parent: null, en: 'Public governance and public welfare', zh: '公共治理、公益事业' },
  public_governance: { parent: 'governance_welfare', en: 'Public governance', zh: '公共治理' },
  statistics: { parent: 'public_governance', en: 'Official statistics', zh: '统计调查' },
  policy_evaluation: { parent: 'public_governance', en: 'Evaluation of public policy', zh: '政策评估' },
  urban_management: { parent: 'public_governance', en: 'City management', zh: '城市治理' },
  emergency_response: { parent: 'public_governance', en: 'Emergency response', zh: '应急管理' },
  market_supervision: { parent: 'public_governance', en: 'Market supervision', zh: '市场监管' },
  public_welfare: { parent: 'governance_welfare', en: 'Public welfare', zh: '公益事业' },
  public_health: { parent: 'public_welfare', en: 'Public health', zh: '公共卫生' },
  public_education: { parent: 'public_welfare', en: 'Public education', zh: '公共教育' },
  social_assistance: { parent: 'public_welfare', en: 'Social assistance', zh: '社会救助' },
  environmental_protection: { parent: 'public_welfare', en: 'Environmental protection', zh: '生态环境保护' },
  public_research: { parent: 'public_welfare', en: 'Research in the public interest', zh: '公益性科学研究' },
  industry: { parent: null, en: 'Industry', zh: '产业发展、行业发展' },
  finance: { parent: 'industry', en: 'Financial services', zh: '金融服务' },
  inclusive_credit: { parent: 'finance', en: 'Credit for small firms', zh: '普惠金融' },
  insurance: { parent: 'finance', en: 'Insurance', zh: '保险' },
  health_industry: { parent: 'industry', en: 'Health industry', zh: '医药健康产业' },
  transport: { parent: 'industry', en: 'Transport and logistics', zh: '交通物流' },
  commerce: { parent: 'industry', en: 'Commerce', zh: '商贸流通' },
  market_analysis: { parent: 'commerce', en: 'Market analysis', zh: '市场分析' },
  manufacturing: { parent: 'industry', en: 'Manufacturing', zh: '工业制造' },
  agriculture: { parent: 'industry', en: 'Agriculture', zh: '现代农业' },
  tourism: { parent: 'industry', en: 'Culture and tourism', zh: '文化旅游' },
  model_development: { parent: 'industry', en: 'Development of models', zh: '模型研发' },
} as const satisfies Record<string, PurposeEntry>;

export type Purpose = keyof typeof PURPOSES;

export const PURPOSE_CLASSES = ['governance_welfare', 'industry'] as const satisfies readonly Purpose[];

export type PurposeClass = (typeof PURPOSE_CLASSES)[number];

/** Whether a text names a purpose of the tree. */
export function isPurpose(text: string): text is Purpose {
  return Object.hasOwn(PURPOSES, text);
}

/** A purpose and everything that contains it, the purpose class last. */
export function purposePath(purpose: Purpose): readonly Purpose[] {
  const path: Purpose[] = [];
  for (let at: Purpose | null = purpose; at !== null; at = PURPOSES[at].parent) path.push(at);
  return path;
}

/** The class of a purpose: the root of the tree above it. */
export function purposeClass(purpose: Purpose): PurposeClass {
  const root = purposePath(purpose).at(-1);
  const found = PURPOSE_CLASSES.find((known) => known === root);
  if (found === undefined) throw new RangeError(`purpose ${purpose} hangs under no purpose class`);
  return found;
}
