/** What is recorded of a real run: one usage record and one receipt, which name all that a run must answer for. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parsePublicJwk } from '#crypto/ed25519-key.ts';
import { verifyReceipt } from '#crypto/receipt.ts';
import { describeJail } from '#sandbox/jail/jail.ts';
import { MarkedServer } from '#tests/support/marked-server.ts';

const server = new MarkedServer();
beforeAll(() => server.open());
afterAll(() => server.close());

describe('what is recorded of a run', () => {
  test('is one usage record with every quantity, who and what it was for, and measured ones for the operator', async () => {
    const [job] = server.jobs;
    const eventsOf = async (person: string): Promise<readonly UsageEvent[]> => {
      const events: UsageEvent[] = [];
      for await (const event of server.clients.get(person)!.usage()) events.push(event as UsageEvent);
      return events.filter(({ subject }) => subject === job!.id);
    };
    const [event, ...more] = await eventsOf('buyer');
    expect(more).toEqual([]);
    expect(event?.data).toMatchObject({
      job: job!.id,
      account: 'buyer',
      organisation: 'city-buyer',
      grant: 'rows',
      datasets: ['visits'],
      purpose: 'public_health',
      scene: 'journey',
      outcome: 'released',
      planDigest: job!.planDigest,
      actors: { authoriser: 'city-provider', operator: 'operator', user: 'city-buyer' },
    });
    const quantities =
      'products runs calls rows bytes outputs outputBytes serviceMs cpuMs computeUnits epsilonNano';
    expect(Object.keys(event!.data.planned).toSorted()).toEqual(quantities.split(' ').toSorted());
    // 1,000 declared rows, whatever the file holds; two outputs for each of two wards; ε 0.5.
    expect(event!.data.planned).toMatchObject({ rows: '1000', outputs: '4', epsilonNano: '500000000' });
    expect(event?.data).not.toHaveProperty('measured');
    const [seen] = await eventsOf('operator');
    expect(seen?.data.measured).toEqual({ wallMs: expect.any(Number) as number });
  });

  test('is one receipt that names request, decision, digests, technique, jail and release', async () => {
    const [job] = server.jobs;
    const buyer = server.clients.get('buyer')!;
    const { receipt, proof } = await buyer.receipt(job!.id);
    const { keys } = (await buyer.keySet()) as { readonly keys: readonly Record<string, unknown>[] };
    const trusted = keys.map(({ kty, crv, x }) => parsePublicJwk({ kty, crv, x }));
    const logKey = (await buyer.logKey()).trim();
    const { verdict, payload } = await verifyReceipt({
      receipt: receipt!,
      keys: trusted,
      proof: proof!,
      logKey,
    });
    expect(verdict).toBe('valid');
    const digest = expect.stringMatching(/^sha256:[0-9a-f]{64}$/) as string;
    expect(payload).toMatchObject({
      jobId: job!.id,
      decision: 'released',
      request: { frontEnd: 'sql', digest },
      grantId: 'rows',
      purpose: 'public_health',
      policyDecision: { effect: 'permit', policies: ['use'], policySet: digest },
      policyDigest: digest,
      datasets: [{ name: 'visits', versionId: expect.stringMatching(/^[0-9a-f]{32}$/) as string }],
      planDigest: job!.planDigest,
      mechanism: { name: 'gaussian' },
      jail: { demanded: 'preferred', layers: (await describeJail()).layers },
      separation: 'none',
      timing: { mode: 'exact' },
      releasedAt: job!.releaseAt,
    });
  });
});

interface UsageEvent {
  readonly subject: string;
  readonly data: {
    readonly planned: Readonly<Record<string, string>>;
    readonly measured?: object;
  };
}
