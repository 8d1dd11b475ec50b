/**
 * A decision request as a question to the policy engine: references, context, and the entities it needs.
 *
 * Guarantee: a fact that the request lacks is absent from the question, never replaced by a default, so that
 * validation refuses it. `null` (no limit, any region) is a statement and leaves the optional field out.
 * Only the slice that policies can read is passed: entities are parsed on every call.
 */
import type { CedarValueJson, EntityJson, TypeAndId } from '@cedar-policy/cedar-wasm/nodejs';
import type { EngineCall } from './engine.ts';
import { isPurpose, purposePath } from './purpose.ts';
import { exceededUnits } from './quota.ts';
import {
  type DatasetFacts,
  type DecisionRequest,
  type FileFacts,
  type FileRequest,
  isUse,
  type Principal,
  type ReadRequest,
  type UseRequest,
} from './request.ts';
import type { GrantTerms } from './terms.ts';

type EntityType =
  | 'Action'
  | 'Channel'
  | 'Client'
  | 'Dataset'
  | 'Grade'
  | 'GrantFile'
  | 'HeldRelease'
  | 'Manner'
  | 'Org'
  | 'Origin'
  | 'OutputKind'
  | 'Program'
  | 'Purpose'
  | 'QuotaUnit'
  | 'RightKind'
  | 'Role'
  | 'Run';

const uid = (type: EntityType, id: string): TypeAndId => ({ type: `Unseen::${type}`, id });
// The short form of an entity inside a value: the schema, always given, says that it is one. A third
// faster to parse than the form that says so itself.
const reference = (type: EntityType, id: string): CedarValueJson => ({ ...uid(type, id) });
const references = (type: EntityType, ids: readonly string[]): CedarValueJson =>
  ids.map((id) => reference(type, id));

/** Builds the question. Throws on a request that lacks what it takes to ask at all; the caller denies. */
export function cedarCall(request: DecisionRequest): EngineCall {
  const { principal } = request;
  const resource = resourceOf(request);
  return {
    principal: uid('Client', principal.id),
    action: uid('Action', request.action),
    resource: resource.uid,
    context: isUse(request) ? useContext(request) : {},
    entities: [...principalEntities(principal), ...(resource.entity ?? []), ...purposeEntities(request)],
  };
}

interface Resource {
  readonly uid: TypeAndId;
  /** None for an organisation: policies only compare which one it is. */
  readonly entity?: readonly [EntityJson];
}

function resourceOf(request: DecisionRequest): Resource {
  if (isUse(request) || 'dataset' in request) return datasetResource(request.dataset);
  if ('run' in request) return runResource(request.run);
  if ('organisation' in request) return { uid: uid('Org', request.organisation) };
  if ('provider' in request) return { uid: uid('Org', request.provider) };
  return fileResource(FILE_TYPES[request.action], request.file);
}

type FileType = 'GrantFile' | 'Program' | 'HeldRelease';

const FILE_TYPES: Readonly<Record<FileRequest['action'], FileType>> = {
  approve_grant: 'GrantFile',
  revoke_grant: 'GrantFile',
  suspend: 'GrantFile',
  approve_program: 'Program',
  withdraw_program: 'Program',
  read_program: 'Program',
  review_release: 'HeldRelease',
};

function resource(type: EntityType, id: string, attrs: EntityJson['attrs']): Resource {
  return { uid: uid(type, id), entity: [{ uid: uid(type, id), attrs, parents: [] }] };
}

function datasetResource(dataset: DatasetFacts): Resource {
  return resource('Dataset', dataset.id, {
    provider: reference('Org', dataset.provider),
    providerSuspended: dataset.providerSuspended,
    grade: reference('Grade', dataset.grade),
    origin: reference('Origin', dataset.origin),
    suspended: dataset.suspended,
  });
}

function fileResource(type: FileType, file: FileFacts): Resource {
  return resource(type, file.id, {
    applicant: reference('Org', file.applicant),
    provider: reference('Org', file.provider),
    submitter: reference('Client', file.submitter),
  });
}

function runResource(run: ReadRequest['run']): Resource {
  return resource('Run', run.id, {
    buyer: reference('Org', run.buyer),
    providers: references('Org', run.providers),
    operator: reference('Org', run.operator),
  });
}

function principalEntities(principal: Principal): readonly EntityJson[] {
  const { id, operator, region, sector, suspended } = principal.org;
  return [
    {
      uid: uid('Client', principal.id),
      attrs: { org: reference('Org', id), suspended: principal.suspended },
      parents: principal.roles.map((role) => uid('Role', role)),
    },
    { uid: uid('Org', id), attrs: { operator, region, sector, suspended }, parents: [] },
  ];
}

/** The asked purpose and what contains it. A purpose outside the tree is in nothing but itself. */
function purposeEntities(request: DecisionRequest): readonly EntityJson[] {
  if (!isUse(request) || !isPurpose(request.ask.purpose)) return [];
  const path = purposePath(request.ask.purpose);
  return path.map((purpose, index) => ({
    uid: uid('Purpose', purpose),
    attrs: {},
    parents: path.slice(index + 1, index + 2).map((parent) => uid('Purpose', parent)),
  }));
}

function useContext({ ask, grant, now }: UseRequest): EngineCall['context'] {
  if (grant === null) throw new RangeError('a use without a grant is decided without the engine');
  return {
    nowMs: millisecondsOf(now),
    purpose: reference('Purpose', ask.purpose),
    scene: ask.scene,
    channel: reference('Channel', ask.channel),
    manner: reference('Manner', ask.manner),
    outputKind: reference('OutputKind', ask.outputKind),
    version: ask.version,
    rowScope: ask.rowScope,
    columns: [...ask.columns],
    program: ask.program,
    exceeded: references('QuotaUnit', exceededUnits(ask.amounts, grant.left)),
    grant: grantContext(grant),
  };
}

function grantContext(grant: GrantTerms): CedarValueJson {
  return {
    holder: reference('Org', grant.holder),
    datasets: references('Dataset', grant.datasets),
    ...unlessNull('version', grant.version, (version) => version),
    columns: [...grant.columns],
    rowScope: grant.rowScope,
    rights: references('RightKind', grant.rights),
    scene: grant.scene,
    purposes: references('Purpose', grant.purposes),
    channel: reference('Channel', grant.channel),
    manners: references('Manner', grant.manners),
    outputKinds: references('OutputKind', grant.outputKinds),
    ...unlessNull('programs', grant.programs, (programs) => [...programs]),
    ...unlessNull('regions', grant.regions, (regions) => [...regions]),
    ...unlessNull('sectors', grant.sectors, (sectors) => [...sectors]),
    startMs: millisecondsOf(grant.start),
    endMs: millisecondsOf(grant.end),
    revoked: [...grant.revoked],
    suspended: grant.suspended,
    approvals: { ...grant.approvals },
    personalData: grant.personalData,
    consented: grant.consented,
  };
}

/** An optional field: left out for null, refused when nothing was said. */
function unlessNull<Value>(
  name: string,
  value: Value | null,
  write: (value: Value) => CedarValueJson,
): Record<string, CedarValueJson> {
  if (value === undefined) throw new RangeError(`the request lacks ${name}`);
  return value === null ? {} : { [name]: write(value) };
}

function millisecondsOf(instant: string): number {
  const at = Date.parse(instant);
  if (Number.isNaN(at)) throw new RangeError('an instant is ISO 8601 with a zone');
  return at;
}
