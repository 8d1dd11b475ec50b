/** What a reader must know beside the numbers: sentences that are functions of the Plan alone. */
import { say, type Sentence } from '#policies/words.ts';
import { type BoundedArgument, type Measure, type Plan } from '../plan.ts';

/** The notes of an answer, in every form of it the same. */
export function notesOf(plan: Plan, releaseId: string | null): readonly Sentence[] {
  const { cellsPerUnit, rowsPerUnit } = plan.bounding;
  const unit =
    plan.unit === null
      ? say('note.rowUnit')
      : say('note.unit', { unit: plan.unit, cells: cellsPerUnit, rows: rowsPerUnit });
  return [
    unit,
    ...boundsOf(plan),
    ...(plan.aggregates.some((aggregate) => aggregate.fn === 'avg') ? [say('note.average')] : []),
    ...keyNotes(plan),
    say('note.noise', {
      mechanism: plan.mechanism,
      epsilon: String(plan.cost.epsilon),
      delta: String(plan.cost.delta),
    }),
    say('note.zone', { zone: plan.dataset.timeZone }),
    say('note.version', { dataset: plan.dataset.name, version: plan.dataset.versionId }),
    ...(releaseId === null ? [] : [say('note.release', { release: releaseId })]),
  ];
}

function boundsOf(plan: Plan): readonly Sentence[] {
  const bounds = plan.measures.flatMap((measure) => {
    const argument = boundedOf(measure);
    return argument === null
      ? []
      : [say('note.bounds', { argument: nameOf(argument), low: argument.low, high: argument.high })];
  });
  return [...new Map(bounds.map((sentence) => [JSON.stringify(sentence.args), sentence])).values()];
}

function boundedOf(measure: Measure): BoundedArgument | null {
  if (measure.kind === 'units' || measure.kind === 'rows' || measure.kind === 'histogram') return null;
  return measure.argument;
}

function nameOf(argument: BoundedArgument): string {
  return argument.expr.op === 'column' ? argument.expr.name : '…';
}

function keyNotes(plan: Plan): readonly Sentence[] {
  if (plan.keys.mode === 'thresholded') return [say('note.thresholded', { cohort: plan.minimumCohort })];
  const hidden = plan.hideBelow === null ? [] : [say('note.hideBelow', { below: plan.hideBelow.below })];
  return plan.keys.mode === 'listed' ? [say('note.listed'), ...hidden] : hidden;
}
