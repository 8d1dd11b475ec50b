/** What is recorded of a real run: one usage record and one receipt, which name all that a run must answer for. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parsePublicJwk } from '#crypto/ed25519-key.ts';
import { openCheckpoint } from '#crypto/log/checkpoint.ts';
import { verifyConsistency } from '#crypto/log/merkle.ts';
import { parseVerifier } from '#crypto/log/note.ts';
import { verifyReceipt } from '#crypto/receipt.ts';
import { describeJail } from '#sandbox/jail/jail.ts';
import { ANSWERED, MarkedServer } from '#tests/support/marked-server.ts';

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
      'products runs calls rows bytes outputs outputBytes serviceMs cpuMs gpuMs computeUnits memoryMbMs storageMbMs seats epsilonNano spendNano';
    expect(Object.keys(event!.data.planned).toSorted()).toEqual(quantities.split(' ').toSorted());
    // 1,000 declared rows, whatever the file holds; two outputs for each of two wards; ε 0.5.
    expect(event!.data.planned).toMatchObject({ rows: '1000', outputs: '4', epsilonNano: '500000000' });
    expect(event?.data).not.toHaveProperty('measured');
    const [seen] = await eventsOf('operator');
    const measured = Object.entries(seen?.data.measured ?? {});
    const known = ['bytes', 'cpuMs', 'memoryMaxKiB', 'rows', 'wallMs'];
    expect(measured.map(([name]) => name).toSorted()).toEqual(known);
    expect(measured.filter(([, amount]) => !Number.isSafeInteger(amount) || amount < 0)).toEqual([]);
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
    const { submittedAt } = job as unknown as { readonly submittedAt: string };
    expect(Date.parse(submittedAt)).toBeLessThanOrEqual(Date.parse(job!.releaseAt!));
  });

  test('stands in a log whose every later checkpoint continues the earlier ones', async () => {
    const buyer = server.clients.get('buyer')!;
    const log = parseVerifier((await buyer.logKey()).trim());
    const before = openCheckpoint(await buyer.checkpoint(), log);
    const sql = ANSWERED[0]!.replace(' GROUP', ' WHERE age < 60 GROUP');
    await buyer.waitForJob((await buyer.submit({ grant: 'rows', purpose: 'public_health', sql })).id);
    const path = `/v1/log/consistency?from=${before.size}`;
    const headers = { authorization: `Bearer ${(await buyer.token()).text}` };
    const response = await fetch(`${server.served.gatewayUrl}${path}`, { headers });
    const found = (await response.json()) as { readonly path: string[]; readonly checkpoint: string };
    const after = openCheckpoint(found.checkpoint, log);
    expect(after.size).toBe(before.size + 1n);
    const proof = found.path.map((hash) => new Uint8Array(Buffer.from(hash, 'base64')));
    expect(verifyConsistency({ first: before, second: after, path: proof })).toBe(true);
    // Control: a log that had said something else before is told from this one.
    const other = { ...before, root: before.root.with(0, before.root[0]! ^ 1) };
    expect(verifyConsistency({ first: other, second: after, path: proof })).toBe(false);
  });
});

interface UsageEvent {
  readonly subject: string;
  readonly data: {
    readonly planned: Readonly<Record<string, string>>;
    readonly measured?: object;
  };
}
