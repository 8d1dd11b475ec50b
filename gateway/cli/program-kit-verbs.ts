/**
 * The verbs with which a program is written: `program init`, `program types` and `program try`.
 *
 * They read public schemas and the buyer's own files. Guarantee: no file is replaced without `--force`, but for the types,
 * which are nobody's to edit.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Failure } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import { starterOf } from '#sandbox/program/kit/starter.ts';
import { typesText } from '#sandbox/program/kit/types-text.ts';
import { parseProgramManifest } from '#sandbox/program/manifest-file.ts';
import { mockRecords, type TrialDataset } from '#sandbox/program/mock.ts';
import type { ProgramManifest } from '#sandbox/program/program.ts';
import { tryProgram } from '#sandbox/program/trial.ts';
import { readParams } from '../lab/program-request.ts';
import { type TrialText, trialText } from '../trial-text.ts';
import { datasetArgument } from './dataset-argument.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { printable } from './table.ts';
import { readArgument, type Terminal, worded } from './terminal.ts';
import { defineVerb, type FlagSpec, print, type VerbCall, type VerbHost } from './verb.ts';

const DATASET: FlagSpec = { flags: '--dataset <dataset>', about: 'cli.flag.kitDataset', required: true };
const DATASETS: FlagSpec = { ...DATASET, repeats: true };
const MANIFEST: FlagSpec = { flags: '--manifest <file>', about: 'cli.flag.programManifest', required: true };
const DIRECTORY: FlagSpec = { flags: '--dir <directory>', about: 'cli.flag.kitDirectory' };

/** Adds the verbs to the group `program`. */
export function registerProgramKitVerbs(host: VerbHost): void {
  defineVerb(
    host,
    {
      name: 'init',
      about: 'cli.program.init',
      flags: [
        DATASET,
        { flags: '--mode <mode>', about: 'cli.flag.mode', choices: ['map', 'blocks'] },
        { flags: '--name <name>', about: 'cli.flag.kitName' },
        DIRECTORY,
        { flags: '--force', about: 'cli.flag.force' },
      ],
      examples: [
        'unseen program init --dataset visits --dir spend',
        'unseen program init --dataset visits.yaml --mode blocks --name median-cost',
      ],
    },
    init,
  );
  defineVerb(
    host,
    {
      name: 'types',
      about: 'cli.program.types',
      flags: [MANIFEST, DATASETS, DIRECTORY],
      examples: ['unseen program types --manifest prog.yaml --dataset visits.yaml'],
    },
    types,
  );
  defineVerb(
    host,
    {
      name: 'try <module>',
      about: 'cli.program.try',
      flags: [MANIFEST, DATASETS, { flags: '--params <file>', about: 'cli.flag.params' }],
      examples: [
        'unseen program try prog.js --manifest prog.yaml --dataset visits.yaml',
        'unseen program try prog.js --manifest prog.yaml --dataset visits --params params.json --json',
      ],
    },
    attempt,
  );
}

async function init(call: VerbCall): Promise<void> {
  const { terminal } = call;
  const stated = call.text('dataset') ?? '';
  const dataset = await datasetArgument(call, stated);
  const mode = call.text('mode') === 'blocks' ? 'blocks' : 'map';
  const starter = starterOf(dataset, { name: call.text('name') ?? 'first', mode });
  const manifest = parseProgramManifest(starter.manifest, { path: 'prog.yaml' });
  const files = {
    'prog.js': starter.module,
    'prog.yaml': starter.manifest,
    'types.d.ts': typesText(manifest, [dataset]),
    'mock.json': mockText(manifest, dataset),
  };
  const directory = call.text('dir') ?? '.';
  if (!call.isSet('force')) checkFree(directory, Object.keys(files));
  const written = write(directory, files);
  const from = quoted(existsSync(stated) ? resolve(stated) : stated);
  const next = [
    `unseen program try prog.js --manifest prog.yaml --dataset ${from}`,
    'unseen program check prog.js --manifest prog.yaml',
    'unseen program submit prog.js --manifest prog.yaml',
  ];
  await print(call, { files: written, next }, () =>
    [
      worded(terminal, 'kit.wrote', { files: written.map(printable).join(', ') }),
      worded(terminal, 'kit.next', { directory: printable(directory) }),
      ...next.map((line) => `  ${printable(line)}`),
      '',
    ].join('\n'),
  );
}

/** A word of a command line, as a shell takes it. */
function quoted(word: string): string {
  return /^[\w./:@-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

/** The records as the program gets them, one to a line. */
function mockText({ inputs }: ProgramManifest, dataset: TrialDataset): string {
  const { columns } = inputs[0]!;
  const records = mockRecords(dataset).map((record) =>
    JSON.stringify(Object.fromEntries(columns.map(({ name, column }) => [name, record[column] ?? null]))),
  );
  return `[\n${records.join(',\n')}\n]\n`;
}

function checkFree(directory: string, names: readonly string[]): void {
  const file = names.map((name) => join(directory, name)).find((path) => existsSync(path));
  if (file !== undefined) throw new Failure('CONFIG', say('kit.exists', { file }));
}

/** The paths that were written. Failure CONFIG. */
function write(directory: string, files: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(files).map(([name, text]) => {
    const file = join(directory, name);
    try {
      mkdirSync(directory, { recursive: true });
      writeFileSync(file, text);
    } catch (cause) {
      throw new Failure('CONFIG', say('kit.unwritable', { file }), { cause });
    }
    return file;
  });
}

async function types(call: VerbCall): Promise<void> {
  const { manifest, datasets } = await described(call);
  const files = write(call.text('dir') ?? '.', { 'types.d.ts': typesText(manifest, datasets) });
  await print(
    call,
    { files },
    () => `${worded(call.terminal, 'kit.wrote', { files: files.map(printable).join(', ') })}\n`,
  );
}

/** The manifest of a program, and the schemas of its datasets. */
async function described(
  call: VerbCall,
): Promise<{ readonly manifest: ProgramManifest; readonly datasets: readonly TrialDataset[] }> {
  const path = call.text('manifest') ?? '';
  const manifest = parseProgramManifest(await readArgument(call.terminal, path), { path });
  const datasets: TrialDataset[] = [];
  for (const stated of call.list('dataset')) datasets.push(await datasetArgument(call, stated));
  return { manifest, datasets };
}

async function attempt(call: VerbCall): Promise<ExitCode> {
  const module = await readArgument(call.terminal, call.argument(0));
  const { manifest, datasets } = await described(call);
  const params = readParams(call.text('params'));
  const report = await tryProgram({ module, manifest }, datasets, { params, jail: 'preferred' });
  const told = trialText(report, call.terminal.language);
  await print(call, told, () => rendered(call.terminal, told));
  if (told.refused !== null) return EXIT.refused;
  return told.findings.length > 0 ? EXIT.invalid : EXIT.done;
}

function rendered(terminal: Terminal, told: TrialText): string {
  const place = told.mode === 'map' ? 'kit.finding' : 'kit.block';
  const counts = Object.entries(told.counts).filter(([, count]) => count > 0);
  const lines = [
    ...told.findings.map(({ record, line, message }) =>
      worded(terminal, place, { record, line: line ?? '–', message }),
    ),
    ...(counts.length === 0
      ? [worded(terminal, 'kit.clean')]
      : [
          worded(terminal, 'kit.counts', {
            counts: counts.map(([kind, count]) => `${kind} ${count}`).join(', '),
          }),
        ]),
    ...told.outputs.map(({ name, gave, defaulted, clamped }) =>
      worded(terminal, 'kit.output', { name, gave, defaulted, clamped }),
    ),
    told.share,
    ...(told.assumed.length === 0
      ? []
      : [worded(terminal, 'trial.assumed', { names: told.assumed.join(', ') })]),
    ...(told.refused === null ? [] : [told.refused]),
  ];
  return `${lines.map(printable).join('\n')}\n`;
}
