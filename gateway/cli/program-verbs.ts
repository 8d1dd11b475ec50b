/** The verbs `program …`: check a program before anybody sees it, submit it, and review what others submitted. */
import { PROGRAM_RECORD_FIELDS, PROGRAM_REJECTIONS } from '#policies/program-review.ts';
import { Failure } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import { parseManifestText } from '#sandbox/manifest/manifest-text.ts';
import { admitProgram } from '#sandbox/program/admission/admit.ts';
import { programManifestOf } from '#sandbox/program/manifest-file.ts';
import { moduleDigestOf, programDigestOf } from '#sandbox/program/program.ts';
import type { ProgramView } from '../client/resources.ts';
import { type FindingText, findingText } from '../problem.ts';
import { registerProgramKitVerbs } from './program-kit-verbs.ts';
import { printable, renderFields, renderTable } from './table.ts';
import { readArgument, type Terminal, worded } from './terminal.ts';
import { defineGroup, defineVerb, print, printJson, type VerbCall, type VerbHost } from './verb.ts';

export function registerProgramVerbs(parent: VerbHost): void {
  const host = defineGroup(parent, 'program', 'cli.program');
  registerProgramKitVerbs(host);
  registerApplicantVerbs(host);
  registerReviewVerbs(host);
}

function registerApplicantVerbs(host: VerbHost): void {
  defineVerb(
    host,
    {
      name: 'check <module>',
      about: 'cli.program.check',
      flags: [
        { flags: '--mode <mode>', about: 'cli.flag.mode', choices: ['map', 'blocks'] },
        { flags: '--manifest <file>', about: 'cli.flag.programManifest' },
      ],
      examples: [
        'unseen program check prog.js --manifest prog.yaml',
        'unseen program check prog.js --mode blocks --json',
      ],
      offline: true,
    },
    check,
  );
  defineVerb(
    host,
    {
      name: 'submit <module>',
      about: 'cli.program.submit',
      flags: [
        { flags: '--manifest <file>', about: 'cli.flag.programManifest', required: true },
        { flags: '--record <file>', about: 'cli.flag.record' },
      ],
      examples: ['unseen program submit prog.js --manifest prog.yaml --record record.yaml'],
    },
    submit,
  );
  defineVerb(host, { name: 'list', about: 'cli.program.list', examples: ['unseen program list'] }, list);
  defineVerb(
    host,
    {
      name: 'show <digest>',
      about: 'cli.program.show',
      examples: ['unseen program show DIGEST', 'unseen program show DIGEST --json'],
    },
    async (call) => {
      const program = await call.client().program(call.argument(0));
      await print(call, program, () => rendered(call.terminal, program));
    },
  );
  defineVerb(
    host,
    {
      name: 'withdraw <digest>',
      about: 'cli.program.withdraw',
      flags: [{ flags: '--reason <text>', about: 'cli.flag.reason', required: true }],
      examples: ["unseen program withdraw DIGEST --reason 'a fault was found'"],
    },
    withdraw,
  );
}

function registerReviewVerbs(host: VerbHost): void {
  defineVerb(
    host,
    {
      name: 'approve <digest>',
      about: 'cli.program.approve',
      flags: [
        { flags: '--side <side>', about: 'cli.flag.approvalSide', choices: ['operator', 'provider'] },
        { flags: '--opinion <text>', about: 'cli.flag.opinion' },
      ],
      examples: ["unseen program approve DIGEST --opinion 'sums only, no identity is read'"],
    },
    approve,
  );
  defineVerb(
    host,
    {
      name: 'reject <digest>',
      about: 'cli.program.reject',
      flags: [
        {
          flags: '--reason <code>',
          about: 'cli.flag.programRejection',
          required: true,
          choices: PROGRAM_REJECTIONS,
        },
        { flags: '--text <text>', about: 'cli.flag.rejectionText', required: true },
        { flags: '--basis <text>', about: 'cli.flag.basis', required: true },
      ],
      examples: [
        "unseen program reject DIGEST --reason RISK_TOO_HIGH --text 'one output per village' --basis 'use agreement 3, §4'",
      ],
    },
    reject,
  );
}

/** Decides here and sends nothing: findings are an answer, and end as one. */
async function check(call: VerbCall): Promise<void> {
  const { terminal } = call;
  const module = await readArgument(terminal, call.argument(0));
  const file = call.text('manifest');
  const written =
    file === undefined ? undefined : parseManifestText(await readArgument(terminal, file), file);
  const manifest = file === undefined ? null : programManifestOf(written, file);
  const mode = manifest?.mode ?? (call.text('mode') === 'blocks' ? 'blocks' : 'map');
  const { admitted, findings } = admitProgram(module, mode, manifest);
  const told = {
    admitted,
    digest: moduleDigestOf(module),
    ...(manifest !== null && { programDigest: programDigestOf(module, written) }),
    findings: findings.map((finding) => findingText(finding, terminal.language)),
  };
  await print(call, told, () => renderedCheck(terminal, told));
}

function renderedCheck(
  terminal: Terminal,
  told: {
    readonly admitted: boolean;
    readonly digest: string;
    readonly programDigest?: string;
    readonly findings: readonly FindingText[];
  },
): string {
  const verdict = told.admitted ? 'cli.program.admitted' : 'cli.program.notAdmitted';
  const lines = told.findings.map(
    ({ rule, line, column, message }) => `${line}:${column} ${printable(rule)}: ${printable(message)}`,
  );
  return `${[...lines, worded(terminal, verdict, { digest: told.programDigest ?? told.digest })].join('\n')}\n`;
}

async function submit(call: VerbCall): Promise<void> {
  const { terminal } = call;
  const module = await readArgument(terminal, call.argument(0));
  const manifest = await readArgument(terminal, call.text('manifest') ?? '');
  const file = call.text('record');
  const record = file === undefined ? {} : recordOf(await readArgument(terminal, file), file);
  const made = await call.client().submitProgram({ module, manifest, record });
  await print(call, made, () => `${made.digest}\n`);
}

/** What is wrong with the file is said here, before anything is sent. */
function recordOf(written: string, file: string): Readonly<Record<string, string>> {
  const value = parseManifestText(written, file);
  const fields: readonly string[] = PROGRAM_RECORD_FIELDS;
  const isRecord =
    typeof value === 'object' &&
    value !== null &&
    Object.entries(value).every(([name, text]) => fields.includes(name) && typeof text === 'string');
  if (!isRecord) throw new Failure('CONFIG', say('programs.record', { file, fields: fields.join(', ') }));
  return value as Readonly<Record<string, string>>;
}

async function list(call: VerbCall): Promise<void> {
  const items = await call.client().programs();
  const { terminal } = call;
  const titles = ['name', 'version', 'state', 'organisation', 'digest'] as const;
  await print(call, { items }, () =>
    renderTable(
      titles.map((name) => ({ title: worded(terminal, `cli.column.${name}`) })),
      items.map((item) => titles.map((name) => String(item[name]))),
    ),
  );
}

/** A program as a reviewer reads it: what it is, what is said of it, its code, and what was done about it. */
function rendered(terminal: Terminal, program: ProgramView): string {
  const titles = ['digest', 'name', 'version', 'organisation', 'state'] as const;
  const fields = titles.map(
    (name) => [worded(terminal, `cli.column.${name}`), String(program[name])] as const,
  );
  const record = Object.entries(program.record).map(([name, text]) => [name, text ?? '–'] as const);
  const events = program.events.map(
    ({ at, event, account, side, detail }) =>
      `${at} ${event} ${printable(account)} (${side}) ${printable(JSON.stringify(detail))}`,
  );
  const code = program.module.split('\n').map(printable);
  const manifest = JSON.stringify(program.manifest, null, 2).split('\n').map(printable);
  return [
    renderFields([...fields, ...record]),
    ...manifest,
    '',
    ...code,
    '',
    ...events,
    ...program.waitsFor.map(printable),
    '',
  ].join('\n');
}

async function approve(call: VerbCall): Promise<void> {
  const [side, opinion] = [call.text('side'), call.text('opinion')];
  const program = await call.client().approveProgram(call.argument(0), {
    ...(side !== undefined && { side }),
    ...(opinion !== undefined && { opinion }),
  });
  if (call.json) return printJson(call, program);
  const { state } = program;
  await call.terminal.out(
    `${worded(call.terminal, 'cli.program.approved', { side: program.side, state })}\n`,
  );
}

async function reject(call: VerbCall): Promise<void> {
  const [id, reason] = [call.argument(0), call.text('reason') ?? ''];
  const [text, basis] = [call.text('text') ?? '', call.text('basis') ?? ''];
  const program = await call.client().rejectProgram(id, { reason, text, basis });
  if (call.json) return printJson(call, program);
  await call.terminal.out(`${worded(call.terminal, 'cli.program.rejected', { id, reason })}\n`);
}

async function withdraw(call: VerbCall): Promise<void> {
  const id = call.argument(0);
  const program = await call.client().withdrawProgram(id, call.text('reason') ?? '');
  if (call.json) return printJson(call, program);
  await call.terminal.out(`${worded(call.terminal, 'cli.program.withdrawn', { id })}\n`);
}
