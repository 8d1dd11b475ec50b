/**
 * Metrics for Prometheus: requests by route, and jobs by the public events that may be seen by now.
 *
 * Guarantee: no label and no value depends on data. The process's own CPU and memory are not among them: with a runner
 * in the same process they would tell how much work a run was.
 */
import { Counter, Gauge, Registry } from 'prom-client';
import { lastReconciliation } from '../services/reconciliation.ts';
import { countEvents } from '../storage/oversight.ts';
import type { Database } from '../storage/database.ts';

export interface Metrics {
  countRequest(request: { readonly method: string; readonly route: string; readonly status: number }): void;
  render(): Promise<string>;
}

/** What reviewers ask: everybody may read the metrics, and a reading or a decision counted there would say that an answer waits. */
const UNCOUNTED = '/v1/reviews';

/** A registry of its own, so that several gateways of one process do not meet in it. */
export function metricsOf(db: Database): Metrics {
  const registry = new Registry();
  const requests = new Counter({
    name: 'unseen_http_requests_total',
    help: 'Requests by method, route of the API and status',
    labelNames: ['method', 'route', 'status'],
    registers: [registry],
  });
  const events = new Gauge({
    name: 'unseen_job_events',
    help: 'Public events of jobs whose time has come, by state',
    labelNames: ['state'],
    registers: [registry],
    collect: async () => {
      const counts = await countEvents(db);
      for (const state of ['queued', 'accepted', 'done']) events.set({ state }, counts[state] ?? 0);
    },
  });
  const violations = new Gauge({
    name: 'unseen_reconcile_violations',
    help: 'Rules that the last reconciliation of this process found broken; absent before the first',
    registers: [registry],
    collect: () => {
      const last = lastReconciliation(db);
      if (last === null) violations.remove();
      else violations.set(last.breaches.length);
    },
  });
  return {
    countRequest: ({ method, route, status }) => {
      if (!route.startsWith(UNCOUNTED)) requests.inc({ method, route, status: String(status) });
    },
    render: () => registry.metrics(),
  };
}
