/** The verb `demo`: the life of an answer on this machine, shown. */
import { EXIT } from './exit-code.ts';
import { defineVerb, type VerbHost } from './verb.ts';

export function registerDemoVerb(host: VerbHost): void {
  defineVerb(
    host,
    {
      name: 'demo',
      about: 'cli.demo',
      offline: true,
      prose: true,
      flags: [
        { flags: '--keep', about: 'cli.flag.keep' },
        { flags: '--flights', about: 'cli.flag.flights' },
        { flags: '--programs', about: 'cli.flag.programs' },
        { flags: '--encrypted', about: 'cli.flag.encrypted' },
        { flags: '--billing', about: 'cli.flag.billing' },
      ],
      examples: [
        'unseen demo',
        'unseen demo --flights',
        'unseen demo --programs',
        'unseen demo --encrypted',
        'unseen demo --billing',
        'unseen demo --keep',
      ],
    },
    async (call) => {
      const { runDemo } = await import('../demo/demo.ts');
      const options = {
        keep: call.isSet('keep'),
        flights: call.isSet('flights'),
        programs: call.isSet('programs'),
        encrypted: call.isSet('encrypted'),
        billing: call.isSet('billing'),
      };
      return (await runDemo(call.terminal, options)) === 0 ? EXIT.done : EXIT.bug;
    },
  );
}
