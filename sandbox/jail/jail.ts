/**
 * The jail: which layers this machine can put round a program of ours, and how a program is started in them.
 *
 * Guarantee: with `required`, a program starts only if the self-test of this process saw every layer hold, and its
 * own process shows namespaces, filter and no capabilities when looked at from outside (`checkConfined`).
 * With `preferred`, as many layers as hold are used, down to a plain process with an empty environment, and the
 * list of those in force is what a receipt states.
 */
import { Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import { findJailCommand } from './bubblewrap.ts';
import { inspectProcess } from './inspection.ts';
import { type LaunchedProcess, type StderrUse, launchJailed, launchPlain } from './launch.ts';
import type { JailProgram } from './program.ts';
import { JAIL_LAYERS, type JailLayer, findWeaknesses } from './self-test.ts';

/** What a dataset's policy demands. */
export type JailDemand = 'required' | 'preferred';

/** How programs are started here. */
export type JailMode = 'bubblewrap' | 'plain';

export interface JailReport {
  readonly mode: JailMode;
  /** Layers in force, in the order of JAIL_LAYERS. */
  readonly layers: readonly JailLayer[];
  readonly missing: readonly JailLayer[];
}

const PLAIN_LAYERS: readonly JailLayer[] = ['process', 'empty-environment'];

/** What is left where no jail starts. */
export const PLAIN_JAIL: JailReport = reportOf('plain', PLAIN_LAYERS);

/** A process started in the layers of a report. */
export interface ConfinedProcess extends LaunchedProcess {
  readonly mode: JailMode;
  readonly layers: readonly JailLayer[];
}

let report: Promise<JailReport> | null = null;

/**
 * The layers that hold on this machine. The self-test runs once per process (0.1 s) and a full jail is remembered;
 * one that lacked a layer is tested again, since a busy machine can miss the probe's deadline.
 */
export async function describeJail(): Promise<JailReport> {
  report ??= testJail();
  const found = await report;
  if (found.missing.length > 0) report = null;
  return found;
}

/** Runs the self-test by the command of `commandFor`; `describeJail` is this with the real command, kept. */
export async function testJail(commandFor = findJailCommand): Promise<JailReport> {
  const weaknesses = await findWeaknesses(commandFor);
  if (weaknesses === null) return PLAIN_JAIL;
  const weak = new Set(weaknesses.map(({ layer }) => layer));
  return reportOf(
    'bubblewrap',
    JAIL_LAYERS.filter((layer) => !weak.has(layer)),
  );
}

/** Refuses with JAIL when a layer is missing that the policy demands. */
export function checkJail(demand: JailDemand, { missing }: JailReport): void {
  if (demand === 'required' && missing.length > 0) throw jailRefusal(missing);
}

/**
 * Starts a program in the jail of this machine, or in a lesser one that is given.
 * Throws Refusal JAIL before anything is started if `demand` is `required` and a layer is missing.
 */
export async function startConfined(
  program: JailProgram,
  demand: JailDemand,
  { stderr = 'drop', jail }: { readonly stderr?: StderrUse; readonly jail?: JailReport | undefined } = {},
): Promise<ConfinedProcess> {
  const found = jail ?? (await describeJail());
  checkJail(demand, found);
  const command = found.mode === 'bubblewrap' ? findJailCommand(program) : null;
  if (command !== null) return { ...launchJailed(command, stderr), mode: 'bubblewrap', layers: found.layers };
  checkJail(demand, PLAIN_JAIL); // Also when bubblewrap was uninstalled meanwhile.
  return { ...launchPlain(program, stderr), mode: 'plain', layers: PLAIN_LAYERS };
}

/**
 * Looks from outside at a process that has answered once, so that its launcher is done.
 * Throws Refusal JAIL, having killed it, if `demand` is `required` and it is not confined like the probe was.
 */
export async function checkConfined(confined: ConfinedProcess, demand: JailDemand): Promise<void> {
  if (demand !== 'required') return;
  const programId = await confined.programId;
  const seen = programId === null ? null : inspectProcess(programId);
  const missing: JailLayer[] = [];
  if (seen === null || seen.shared.length > 0) missing.push('namespaces');
  if (seen?.filtered !== true) missing.push('seccomp');
  if (seen?.powerless !== true || !seen.noNewPrivileges) missing.push('unprivileged-user');
  if (missing.length === 0) return;
  confined.kill();
  throw jailRefusal(missing);
}

function reportOf(mode: JailMode, layers: readonly JailLayer[]): JailReport {
  return { mode, layers, missing: JAIL_LAYERS.filter((layer) => !layers.includes(layer)) };
}

/** Names the layers that are missing. */
export function jailRefusal(missing: readonly string[]): Refusal {
  return new Refusal('JAIL', say('jail.missing', { layers: missing.join(', ') }));
}
