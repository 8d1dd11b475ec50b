/** The whole command line as one commander program: every verb, and what is said about wrong arguments. */
import { Command, CommanderError } from 'commander';
import packageFile from '../../package.json' with { type: 'json' };
import { render, say, type SentenceId } from '#policies/words.ts';
import { registerAskVerbs } from './ask-verbs.ts';
import { registerBudgetVerbs } from './budget-verbs.ts';
import { registerCustodianVerbs } from './custodian-verbs.ts';
import { registerDatasetVerbs } from './dataset-verbs.ts';
import { registerEncryptVerb } from './encrypt-verb.ts';
import { registerEvidenceVerbs } from './evidence-verbs.ts';
import { registerDemoVerb } from './demo-verb.ts';
import { EXIT } from './exit-code.ts';
import { registerGrantVerbs } from './grant-verbs.ts';
import { registerJobVerbs } from './job-verbs.ts';
import { registerKeyVerbs } from './key-verbs.ts';
import { registerLab } from './lab.ts';
import { registerPartyVerbs } from './party-verbs.ts';
import { registerPriceVerbs } from './price-verbs.ts';
import { registerProgramVerbs } from './program-verbs.ts';
import { registerReconcileVerb } from './reconcile-verb.ts';
import { registerReportVerbs } from './report-verbs.ts';
import { registerReleaseVerbs } from './release-verbs.ts';
import { registerServeVerb } from './serve-verb.ts';
import { registerSessionVerbs } from './session-verbs.ts';
import { printable } from './table.ts';
import { type Terminal, worded } from './terminal.ts';
import { registerUsageVerbs } from './usage-verbs.ts';
import { registerVerifyVerb } from './verify-verb.ts';

/** The program on a terminal. Parsing throws CommanderError for wrong arguments, after saying what is wrong. */
export function programOf(terminal: Terminal): Command {
  const program = new Command('unseen')
    .description(worded(terminal, 'cli.about'))
    .version(packageFile.version, '-V, --version', worded(terminal, 'cli.flag.version'))
    .helpOption('-h, --help', worded(terminal, 'cli.flag.help'))
    .helpCommand('help [command]', worded(terminal, 'cli.flag.help'))
    .exitOverride()
    .configureHelp({ styleTitle: (title) => helpTitle(terminal, title) })
    .configureOutput({
      writeOut: (text) => void terminal.out(text),
      writeErr: (text) => terminal.err(text),
      // Said below, in the reader's language.
      outputError: () => undefined,
    });
  const host = { parent: program, terminal };
  registerLab(program);
  registerDemoVerb(host);
  registerServeVerb(host);
  registerSessionVerbs(host);
  registerPartyVerbs(host);
  registerDatasetVerbs(host);
  registerKeyVerbs(host);
  registerEncryptVerb(host);
  registerCustodianVerbs(host);
  registerBudgetVerbs(host);
  registerGrantVerbs(host);
  registerPriceVerbs(host);
  registerProgramVerbs(host);
  registerAskVerbs(host);
  registerJobVerbs(host);
  registerReleaseVerbs(host);
  registerEvidenceVerbs(host);
  registerReportVerbs(host, registerUsageVerbs(host));
  registerReconcileVerb(host);
  registerVerifyVerb(host);
  return program;
}

/** Runs one command line on a terminal; the exit code goes to `terminal.end`. Throws what is our fault. */
export async function runProgram(args: readonly string[], terminal: Terminal): Promise<void> {
  try {
    await programOf(terminal).parseAsync(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return;
    if (args[0] === 'lab') await terminal.out(`${JSON.stringify(badArguments(error, terminal))}\n`);
    const sentence = ARGUMENT_FAULTS[error.code];
    // commander quotes what it speaks of; the first quotation is the flag, argument or word that is wrong.
    const [, name = ''] = /'([^']*)'/.exec(error.message) ?? [];
    const [, choices] = / is invalid\. (?:Allowed choices are )?(.+?)\.?$/.exec(error.message) ?? [];
    const [, nearest] = /\(Did you mean (?:one of )?(.*)\?\)/.exec(error.message) ?? [];
    if (sentence !== undefined) {
      terminal.err(`unseen: ${printable(worded(terminal, sentence, { name }))}\n`);
      if (choices !== undefined)
        terminal.err(`unseen: ${worded(terminal, 'cli.fault.choices', { choices })}\n`);
      if (nearest !== undefined)
        terminal.err(`unseen: ${worded(terminal, 'cli.fault.nearest', { nearest })}\n`);
      terminal.err(`unseen: ${worded(terminal, 'cli.help.more')}\n`);
    }
    terminal.end(EXIT.arguments);
  }
}

/** The lab answers in JSON whatever it was asked. */
function badArguments({ message }: CommanderError, { language }: Terminal): object {
  const sentence = say('lab.field', { field: 'unseen lab', rule: message.replace(/^error: /, '') });
  return { decision: 'failed', code: 'CONFIG', message: render(sentence, language) };
}

const ARGUMENT_FAULTS: Readonly<Record<string, SentenceId>> = {
  'commander.unknownOption': 'cli.fault.unknownOption',
  'commander.unknownCommand': 'cli.fault.unknownCommand',
  'commander.missingArgument': 'cli.fault.missingArgument',
  'commander.optionMissingArgument': 'cli.fault.valueMissing',
  'commander.missingMandatoryOptionValue': 'cli.fault.optionMissing',
  'commander.invalidArgument': 'cli.fault.invalid',
  'commander.excessArguments': 'cli.fault.excess',
  'commander.conflictingOption': 'cli.fault.conflict',
};

const TITLES: Readonly<Record<string, SentenceId>> = {
  'Usage:': 'cli.help.usage',
  'Arguments:': 'cli.help.arguments',
  'Options:': 'cli.help.options',
  'Commands:': 'cli.help.commands',
};

function helpTitle(terminal: Terminal, title: string): string {
  const sentence = TITLES[title];
  return sentence === undefined ? title : worded(terminal, sentence);
}
