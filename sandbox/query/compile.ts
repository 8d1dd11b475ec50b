/**
 * From a buyer's SELECT to a Plan and a Presentation: the SQL front end's whole story, in order.
 *
 * Guarantee: touches no data; a Plan costs, shows and releases only what manifest, policy and text decide.
 */
import { Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import type { Dataset } from '../manifest/dataset.ts';
import type { ReleasePolicy } from '../manifest/policy.ts';
import type { Aggregate, Keys, Measure, Plan, PlanKey, Timing } from '../plan.ts';
import {
  bigintText,
  boundingOf,
  type Catalogue,
  checkCells,
  checkSize,
  type Compiled,
  costUnder,
  datasetPart,
  draftEpsilon,
  finishedPlan,
  MeasureList,
  type PricedAsk,
  timingUnder,
} from '../planning.ts';
import { isEncrypted } from '../encrypted/circuits.ts';
import { checkRange, encryptedDraft } from '../encrypted/plan.ts';
import { accuracyOf } from '../release/accuracy.ts';
import { bindAggregate, type BoundAggregate, isAggregateTarget } from './aggregates.ts';
import {
  bindCondition,
  bindExpr,
  bindFrom,
  bindWiths,
  conjunction,
  isAggregateCall,
  nameOf,
  type Relation,
} from './bind.ts';
import { decodeSelect } from './decode.ts';
import type { Expr } from '../expression.ts';
import { keyOf } from './keys.ts';
import { normalise } from './normalise.ts';
import { parseSelect } from './parse.ts';
import { type Group, presentationOf, type SelectItem } from './presentation.ts';
import {
  type CallSyntax,
  sameExpression,
  someNode,
  type SelectSyntax,
  type Syntax,
  type TargetSyntax,
} from './syntax.ts';

export type { Catalogue, Compiled } from '../planning.ts';

/** What a request adds to its text. `null` means the policy's default. */
export interface Ask extends PricedAsk {
  readonly sql: string;
}

/** Compiles a request. Refuses: every code of a query; PARAM for ε, δ and accuracy; CELLS for its size. */
export function compileQuery(ask: Ask, catalogue: Catalogue): Compiled {
  const accuracy = accuracyOf(ask);
  const select = decodeSelect(parseSelect(ask.sql));
  const scope = bindWiths(select, { datasets: catalogue.datasets, ctes: new Map() });
  const relation = bindFrom(select.from, scope);
  const policy = catalogue.policyOf(relation.dataset);
  checkSelectsAggregates(select);
  const where = conjunction(relation.where, bindCondition(select.where, relation));
  const groups = groupsOf(select, relation);
  const keys = groups.map((group) => keyOf(group.expr, group.name, keyRules(relation.dataset, policy)));
  const items = select.targets.map((target) => itemOf(target, relation, groups));
  const builder = new PlanBuilder(relation.dataset, policy, keys);
  const aggregates = builder.aggregatesOf(items);
  const epsilon = draftEpsilon(ask, accuracy, policy);
  const { dataset } = relation;
  const draft = builder.plan(where === null ? null : normalise(where), { ...ask, epsilon }, catalogue);
  const presentation = presentationOf(select, items, groups, aggregates);
  const possible = isEncrypted(dataset) ? encryptedDraft(draft, dataset) : draft;
  const plan = finishedPlan(possible, accuracy, presentation);
  if (isEncrypted(dataset)) checkRange(plan, dataset);
  return { plan, presentation, dataset, policy };
}

function keyRules(dataset: Dataset, policy: ReleasePolicy): Parameters<typeof keyOf>[2] {
  return { dataset, thresholded: policy.keys === 'thresholded', maxCells: policy.maxCells };
}

function checkSelectsAggregates(select: SelectSyntax): void {
  if (select.targets.some((target) => target.expr.kind === 'star'))
    throw new Refusal('NOT_AGGREGATE', say('query.notAggregate'));
  if (!select.targets.some((target) => someNode(target.expr, isAggregateCall)))
    throw new Refusal('NOT_AGGREGATE', say('query.notAggregate'));
}

/** GROUP BY items may be columns, expressions, SELECT aliases or positions in the SELECT list. */
function groupsOf(select: SelectSyntax, relation: Relation): readonly Group[] {
  const groups = new Map<string, Group>();
  for (const item of select.groupBy) {
    const target = targetMeant(item, select, relation);
    const syntax = target?.expr ?? item;
    const expr = normalise(bindExpr(syntax, relation, 'key'));
    const shown = target ?? select.targets.find((candidate) => sameExpression(candidate.expr, syntax));
    groups.set(JSON.stringify(expr), { expr, name: shown?.alias ?? nameOf(syntax) });
  }
  return [...groups.values()];
}

function targetMeant(item: Syntax, select: SelectSyntax, relation: Relation): TargetSyntax | null {
  if (item.kind === 'literal' && typeof item.value === 'number') {
    const target = select.targets[item.value - 1];
    if (target === undefined)
      throw new Refusal('SHAPE', say('query.mixed', { item: String(item.value), at: item.at }));
    return target;
  }
  if (item.kind !== 'name' || item.path.length > 1 || relation.columns.has(item.path[0]!)) return null;
  return select.targets.find((target) => target.alias === item.path[0]) ?? null;
}

function itemOf(target: TargetSyntax, relation: Relation, groups: readonly Group[]): SelectItem {
  if (isAggregateTarget(target.expr)) {
    return {
      kind: 'aggregate',
      target: target as TargetSyntax & { expr: CallSyntax },
      bound: bindAggregate(target.expr, relation),
    };
  }
  const name = target.expr.kind === 'name' ? target.expr.path.join('.') : nameOf(target.expr);
  if (groups.length > 0 && target.expr.kind !== 'literal') {
    const text = JSON.stringify(normalise(bindExpr(target.expr, relation, 'key')));
    const key = groups.findIndex((group) => JSON.stringify(group.expr) === text);
    if (key >= 0) return { kind: 'key', target, key };
  }
  throw new Refusal('SHAPE', say('query.mixed', { item: name, at: target.at }));
}

/** Collects measures, each once, and finishes the Plan. */
class PlanBuilder {
  readonly #dataset: Dataset;
  readonly #policy: ReleasePolicy;
  readonly #keys: readonly PlanKey[];
  readonly #measures = new MeasureList();
  readonly #aggregates: Aggregate[] = [];

  constructor(dataset: Dataset, policy: ReleasePolicy, keys: readonly PlanKey[]) {
    this.#dataset = dataset;
    this.#policy = policy;
    this.#keys = keys;
  }

  /** The index in the Plan of each SELECT item's aggregate; null for keys. Order of writing does not matter to the Plan. */
  aggregatesOf(items: readonly SelectItem[]): readonly (number | null)[] {
    const texts = items.map((item) =>
      item.kind === 'aggregate' ? JSON.stringify(item.bound, bigintText) : null,
    );
    const distinct = [...new Set(texts.filter((text) => text !== null))].toSorted();
    for (const text of distinct) {
      const item = items[texts.indexOf(text)]!;
      if (item.kind === 'aggregate') this.#aggregates.push(this.#aggregate(item.bound));
    }
    return texts.map((text) => (text === null ? null : distinct.indexOf(text)));
  }

  #aggregate(bound: BoundAggregate): Aggregate {
    switch (bound.fn) {
      case 'count':
        return { fn: 'count', rows: this.#measure({ kind: 'rows', argument: bound.argument }) };
      case 'countUnits':
        return { fn: 'countUnits', units: this.#measure({ kind: 'units' }) };
      case 'sum':
        return { fn: 'sum', sum: this.#measure({ kind: 'sum', argument: bound.argument }) };
      case 'avg':
        return {
          fn: 'avg',
          sum: this.#measure({ kind: 'centredSum', argument: bound.argument }),
          rows: this.#rowsOf(bound),
        };
      case 'variance':
      case 'stddev':
        return {
          fn: bound.fn,
          sum: this.#measure({ kind: 'centredSum', argument: bound.argument }),
          squares: this.#measure({ kind: 'centredSquares', argument: bound.argument }),
          rows: this.#rowsOf(bound),
        };
      case 'quantile':
        return {
          fn: 'quantile',
          q: bound.q,
          tree: this.#measure({
            kind: 'quantile',
            argument: bound.argument,
            bins: this.#policy.quantileBins,
          }),
        };
      case 'histogram': {
        const { argument, low, high, bins } = bound;
        return {
          fn: 'histogram',
          histogram: this.#measure({ kind: 'histogram', argument, low, high, bins }),
        };
      }
    }
  }

  #rowsOf(bound: { readonly argument: { readonly expr: Expr } }): number {
    return this.#measure({ kind: 'rows', argument: bound.argument.expr });
  }

  #measure(measure: Measure): number {
    return this.#measures.place(measure);
  }

  /** `epsilon`: of a request that states an accuracy, the most that it may be. */
  plan(
    where: Expr | null,
    ask: { readonly epsilon: number; readonly delta: number | null },
    catalogue: Catalogue,
  ): Plan {
    const [dataset, policy] = [this.#dataset, this.#policy];
    const bounding = boundingOf(dataset, policy, this.#listedCells());
    const keys = this.#keysOf(bounding);
    const hideBelow =
      policy.hideBelow === null || keys.mode === 'thresholded'
        ? null
        : { below: policy.hideBelow, units: this.#measure({ kind: 'units' }) };
    this.#checkSize(keys);
    return {
      ...datasetPart(dataset, catalogue),
      where,
      keys,
      bounding,
      minimumCohort: policy.minimumCohort,
      hideBelow,
      measures: this.#measures.all,
      aggregates: this.#aggregates,
      mechanism: policy.mechanism,
      cost: costUnder(policy, { ...ask, thresholded: keys.mode === 'thresholded' }),
      timing: timingOf(policy, dataset, catalogue.defaultTiming, this.#measures.all.length),
      policyDigest: policy.digest,
    };
  }

  /** The number of cells when every key is listed, else null. Refuses: CELLS. */
  #listedCells(): number | null {
    const cells = this.#keys.reduce<number | null>(
      (product, key) => (product === null || key.domain === null ? null : product * key.domain.length),
      1,
    );
    if (cells !== null) checkCells(cells, this.#policy);
    return cells;
  }

  #keysOf(bounding: Plan['bounding']): Keys {
    const cells = this.#listedCells();
    if (this.#keys.length === 0) return { mode: 'none' };
    if (cells !== null) return { mode: 'listed', keys: this.#keys, cells };
    const maxEntries = Math.floor(
      (this.#dataset.maxRows * bounding.cellsPerUnit) / this.#policy.minimumCohort,
    );
    return { mode: 'thresholded', keys: this.#keys, maxEntries, units: this.#measure({ kind: 'units' }) };
  }

  #checkSize(keys: Keys): void {
    checkSize({ keys }, this.#measures.all);
    const wide = this.#measures.all.some(({ kind }) => kind === 'histogram' || kind === 'quantile');
    if (wide && keys.mode === 'thresholded') throw new Refusal('CELLS', say('query.wideThresholded'));
  }
}

/**
 * When the answer leaves. Planned: a second, and one more per 2 million declared rows and measured vector,
 * several times what the engine needs, so that a healthy runner is never late.
 */
function timingOf(policy: ReleasePolicy, dataset: Dataset, fallback: Timing, vectors: number): Timing {
  const releaseAfterMs = 1000 * (1 + Math.ceil((dataset.maxRows * vectors) / 2e6));
  const important = fallback.mode !== 'exact' && dataset.grade === 'important';
  return timingUnder(policy, important ? { mode: 'planned' } : fallback, releaseAfterMs);
}
