/**
 * How every verb of the command line is made: the same flags, help with examples, output and endings.
 *
 * Guarantee: each verb that has an answer takes `--json` and then prints JSON only; an error that has a code is one line on
 * standard error (with `--json` also an object on standard output) and a documented exit code.
 */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type Language, render, say, type SentenceId } from '#policies/words.ts';
import { Failure, Refusal } from '#policies/refusal.ts';
import { ProblemError, UnreachableError } from '../client/problem.ts';
import type { Client } from '../client/client.ts';
import type { ProgramFinding } from '../client/resources.ts';
import { EXIT, type ExitCode, exitCodeOf } from './exit-code.ts';
import { clientOfProfile } from './session.ts';
import { printable } from './table.ts';
import { type Terminal, worded } from './terminal.ts';

export interface FlagSpec {
  /** As commander writes it: `--grant <id>`. */
  readonly flags: string;
  readonly about: SentenceId;
  readonly required?: boolean;
  readonly choices?: readonly string[];
  /** May be given more than once. */
  readonly repeats?: boolean;
  readonly conflicts?: readonly string[];
}

export interface VerbSpec {
  /** With its arguments: `create <id>`. */
  readonly name: string;
  readonly about: SentenceId;
  readonly flags?: readonly FlagSpec[];
  readonly examples: readonly string[];
  /** Verbs that need no server know no profile. */
  readonly offline?: boolean;
  /** A verb that only talks to people has no `--json`. */
  readonly prose?: boolean;
}

/** One use of a verb. */
export interface VerbCall {
  readonly terminal: Terminal;
  readonly json: boolean;
  /** The positional argument at a place; '' where an optional one is absent. */
  argument(at: number): string;
  /** All positional arguments. */
  readonly operands: readonly string[];
  text(flag: string): string | undefined;
  isSet(flag: string): boolean;
  list(flag: string): readonly string[];
  /** The profile that flag or environment names. */
  readonly profile: string | undefined;
  /** The server, as the chosen profile. Failure CONFIG when there is no such profile. */
  client(): Client;
}

export type VerbAction = (call: VerbCall) => Promise<ExitCode | void>;

/** What a module of verbs is given: the command to hang them on, and the terminal they speak to. */
export interface VerbHost {
  readonly parent: Command;
  readonly terminal: Terminal;
}

/** A word that only groups verbs, such as `grant`. */
export function defineGroup({ parent, terminal }: VerbHost, name: string, about: SentenceId): VerbHost {
  return { parent: parent.command(name).description(worded(terminal, about)), terminal };
}

/** Adds a verb. */
export function defineVerb({ parent, terminal }: VerbHost, spec: VerbSpec, action: VerbAction): void {
  const command = parent.command(spec.name).description(worded(terminal, spec.about));
  for (const flag of spec.flags ?? []) command.addOption(optionOf(flag, terminal.language));
  if (spec.prose !== true) command.option('--json', worded(terminal, 'cli.flag.json'));
  if (spec.offline !== true) command.option('--profile <name>', worded(terminal, 'cli.flag.profile'));
  const title = worded(terminal, 'cli.help.examples');
  command.addHelpText('after', `\n${title}\n${spec.examples.map((line) => `  ${line}`).join('\n')}`);
  command.action(() => perform(callOf(command, terminal), action));
}

function optionOf({ flags, about, ...rest }: FlagSpec, language: Language): Option {
  const option = new Option(flags, render(say(about), language));
  if (rest.required === true) option.makeOptionMandatory();
  if (rest.choices !== undefined && rest.repeats !== true) option.choices([...rest.choices]);
  if (rest.conflicts !== undefined) option.conflicts([...rest.conflicts]);
  if (rest.repeats === true) option.argParser(collector(rest.choices));
  return option;
}

/** Collects the values of a flag that may repeat. */
function collector(choices: readonly string[] | undefined) {
  return (value: string, list: readonly string[] = []): readonly string[] => {
    if (choices !== undefined && !choices.includes(value)) throw new InvalidArgumentError(choices.join(', '));
    return [...list, value];
  };
}

function callOf(command: Command, terminal: Terminal): VerbCall {
  const options: Readonly<Record<string, unknown>> = command.opts();
  const text = (flag: string): string | undefined =>
    typeof options[flag] === 'string' ? options[flag] : undefined;
  const profile = text('profile') ?? terminal.profile;
  return {
    terminal,
    json: options['json'] === true,
    argument: (at) => command.args[at] ?? '',
    operands: command.args,
    text,
    isSet: (flag) => options[flag] === true,
    list: (flag) => (Array.isArray(options[flag]) ? (options[flag] as readonly string[]) : []),
    profile,
    client: () => clientOfProfile(terminal, profile),
  };
}

async function perform(call: VerbCall, action: VerbAction): Promise<void> {
  try {
    call.terminal.end((await action(call)) ?? EXIT.done);
  } catch (error) {
    const code = exitCodeOf(error);
    if (code === null) throw error;
    await reportError(call, error);
    call.terminal.end(code);
  }
}

/** Prints a value as one line of JSON. */
export function printJson({ terminal }: Pick<VerbCall, 'terminal'>, value: unknown): Promise<void> {
  return terminal.out(`${JSON.stringify(value)}\n`);
}

/** Prints a value as JSON or as text for a person. */
export function print(call: VerbCall, value: unknown, human: () => string): Promise<void> {
  return call.json ? printJson(call, value) : call.terminal.out(human());
}

async function reportError(call: VerbCall, error: unknown): Promise<void> {
  const { terminal } = call;
  const described = describe(error, terminal);
  terminal.err(`unseen: ${described.code}: ${printable(described.message)}\n`);
  for (const { field, rule } of described.errors ?? [])
    terminal.err(`unseen:   ${printable(field)}: ${printable(rule)}\n`);
  for (const { rule, line, column, message } of described.findings ?? [])
    terminal.err(`unseen:   ${line}:${column} ${printable(rule)}: ${printable(message)}\n`);
  if (described.jobId !== undefined)
    terminal.err(`unseen: ${worded(terminal, 'cli.refusedJob', { job: described.jobId })}\n`);
  if (call.json) await printJson(call, { error: described });
}

interface DescribedError {
  readonly code: string;
  readonly message: string;
  readonly status?: number;
  readonly jobId?: string;
  readonly decisionId?: string;
  readonly errors?: readonly { readonly field: string; readonly rule: string }[];
  readonly findings?: readonly ProgramFinding[];
}

function describe(error: unknown, terminal: Terminal): DescribedError {
  if (error instanceof UnreachableError)
    return { code: 'UNREACHABLE', message: worded(terminal, 'cli.unreachable', { url: error.url }) };
  if (error instanceof ProblemError) {
    const isUnknown = error.code === 'INVALID_CLIENT';
    return {
      code: error.code,
      message: isUnknown ? worded(terminal, 'cli.notKnown') : error.detail,
      status: error.status,
      ...(error.jobId !== null && { jobId: error.jobId }),
      ...(error.decisionId !== null && { decisionId: error.decisionId }),
      ...(error.errors.length > 0 && { errors: error.errors }),
      ...(error.findings.length > 0 && { findings: error.findings }),
    };
  }
  if (error instanceof Failure || error instanceof Refusal)
    return { code: error.code, message: error.in(terminal.language) };
  throw new RangeError('an error without an exit code is not described');
}
