/** What a reader must know beside the numbers: sentences that are functions of the Plan alone. */
import { say, type Sentence } from '#policies/words.ts';
import { type BoundedArgument, type Measure, type Plan, type PlannedProgram } from '../plan.ts';

/** The notes of an answer, in every form of it the same. */
export function notesOf(plan: Plan, releaseId: string | null): readonly Sentence[] {
  return [
    ...unitNotes(plan),
    ...boundsOf(plan),
    ...(plan.aggregates.some((aggregate) => aggregate.fn === 'avg') ? [say('note.average')] : []),
    ...keyNotes(plan),
    ...(plan.program === undefined ? [] : programNotes(plan.program)),
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

function unitNotes(plan: Plan): readonly Sentence[] {
  const { cellsPerUnit, rowsPerUnit } = plan.bounding;
  const blocks = plan.measures.find((measure) => measure.kind === 'blocks');
  if (plan.encrypted !== undefined) {
    const manifest = `sha256:${plan.encrypted.manifestDigest}`;
    return [say('note.encrypted', { rows: rowsPerUnit, manifest }), say('note.custodian')];
  }
  const rowUnit = plan.unit === null ? [say('note.rowUnit')] : [];
  if (blocks !== undefined) return [...rowUnit, say('note.blocks', { count: blocks.count })];
  if (plan.unit === null) return rowUnit;
  const args = { unit: plan.unit, cells: cellsPerUnit, rows: rowsPerUnit };
  return [say(plan.program === undefined ? 'note.unit' : 'note.mapUnit', args)];
}

function programNotes({ digest, mode, engine }: PlannedProgram): readonly Sentence[] {
  const faults = mode === 'map' ? [say('note.faults')] : [];
  return [...faults, say('note.program', { digest, engine })];
}

function boundsOf(plan: Plan): readonly Sentence[] {
  const bounds = plan.measures.flatMap((measure) => {
    if (measure.kind === 'vector') {
      const { argument, clip } = measure;
      return [say('note.clip', { argument: argument.op === 'column' ? argument.name : '…', clip })];
    }
    return boundedOf(measure).map(([name, { low, high }]) =>
      say('note.bounds', { argument: name, low, high }),
    );
  });
  return [...new Map(bounds.map((sentence) => [JSON.stringify(sentence.args), sentence])).values()];
}

/** The bounded arguments of a measure, by name. */
function boundedOf(measure: Measure): readonly (readonly [string, BoundedArgument])[] {
  switch (measure.kind) {
    case 'blocks':
      return measure.outputs.map(({ name, argument }) => [name, argument]);
    case 'units':
    case 'rows':
    case 'histogram':
    case 'vector':
      return [];
    default:
      return [[nameOf(measure.argument), measure.argument]];
  }
}

function nameOf(argument: BoundedArgument): string {
  return argument.expr.op === 'column' ? argument.expr.name : '…';
}

function keyNotes(plan: Plan): readonly Sentence[] {
  if (plan.keys.mode === 'thresholded') return [say('note.thresholded', { cohort: plan.minimumCohort })];
  const hidden = plan.hideBelow === null ? [] : [say('note.hideBelow', { below: plan.hideBelow.below })];
  return plan.keys.mode === 'listed' ? [say('note.listed'), ...hidden] : hidden;
}
