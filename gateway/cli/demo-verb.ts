/** The verb `demo`: the life of an answer on this machine, shown. */
import { defineVerb, type VerbHost } from './verb.ts';

export function registerDemoVerb(host: VerbHost): void {
  defineVerb(
    host,
    {
      name: 'demo',
      about: 'cli.demo',
      offline: true,
      flags: [
        { flags: '--keep', about: 'cli.flag.keep' },
        { flags: '--flights', about: 'cli.flag.flights' },
      ],
      examples: ['unseen demo', 'unseen demo --flights', 'unseen demo --keep'],
    },
    async (call) => {
      const { runDemo } = await import('../demo/demo.ts');
      call.terminal.end(
        await runDemo(call.terminal, { keep: call.isSet('keep'), flights: call.isSet('flights') }),
      );
    },
  );
}
