/** What breaks each invariant of the database: statements that only a check of invariants can notice. */
import { type SQL, sql } from 'drizzle-orm';

/** For each invariant what breaks it, on a database with a release, a repeat, a refusal, a failure and a waiting job. */
export const TAMPERING: Readonly<Record<string, readonly SQL[]>> = {
  'a job is done if and only if it has a usage record': [
    sql`DELETE FROM usage_record WHERE type = 'refusal'`,
  ],
  'a usage record says what its job says': [
    sql`UPDATE usage_record SET planned = planned || '{"runs":"2"}' WHERE type = 'failure'`,
    sql`UPDATE job SET code = 'RUN_LIMIT' WHERE outcome = 'failed'`,
    sql`UPDATE usage_record SET quoted = '{"data_usage/calls":"1"}' WHERE type = 'release'`,
    sql`UPDATE usage_record SET billing = (billing::jsonb || '{"buyer":"another"}')::json WHERE type = 'release'`,
    sql`UPDATE usage_record SET quote_id = NULL WHERE quote_id IS NOT NULL`,
  ],
  'what a run may cost is the sum of what it was quoted, fee by fee': [
    sql`UPDATE job SET quoted = quoted || '{"technical_service/calls":"1"}' WHERE quote_id IS NOT NULL`,
    sql`UPDATE job SET planned = planned || '{"spendNano":"0"}' WHERE quote_id IS NOT NULL`,
  ],
  'an accepted quote has one leaf, which says the same': [
    sql`DELETE FROM quote_acceptance`,
    sql`DELETE FROM audit_leaf WHERE class = 'quote'`,
    sql`UPDATE quote_acceptance SET account_id = (SELECT id FROM account WHERE id <> quote_acceptance.account_id LIMIT 1)`,
    sql`UPDATE quote_acceptance SET accepted_at = accepted_at - interval '1 day'`,
    sql`UPDATE quote SET quoted = '{}'`,
    sql`UPDATE quote SET price = price + 1`,
  ],
  'a job under a quote is the only one, and has the price of a quote that was accepted': [
    sql`DELETE FROM quote_acceptance`,
    sql`UPDATE job SET quoted = '{"data_usage/calls":"8"}', planned = planned || '{"spendNano":"8"}' WHERE quote_id IS NOT NULL`,
    sql`UPDATE job SET billing = (billing::jsonb || '{"buyer":"another"}')::json WHERE quote_id IS NOT NULL`,
  ],
  'a release is the answer of the job that made it': [
    sql`INSERT INTO release SELECT 'x', (SELECT id FROM job WHERE outcome = 'refused' LIMIT 1), grant_id, version_id, 'x', true, cells, salt, output_digest, receipt, released_at FROM release LIMIT 1`,
  ],
  'a usage record has one leaf, and a leaf one usage record': [sql`DELETE FROM audit_leaf WHERE index = 0`],
  'a decision about an answer that waits has one leaf, which says the same': [
    sql`DELETE FROM release_review`,
    sql`DELETE FROM audit_leaf WHERE class = 'review'`,
    sql`UPDATE release_review SET reason = 'KIND_MISMATCH'`,
    sql`UPDATE release_review SET decision = 'approved', reason = NULL`,
    sql`UPDATE release_review SET decided_at = decided_at - interval '1 day'`,
  ],
  'what was done about a key has one leaf, which says the same': [
    sql`UPDATE audit_leaf SET body = replace(body, '"event":"requested"', '"event":"held"') WHERE class = 'key'`,
    sql`DELETE FROM key_event WHERE kind = 'destroyed'`,
    sql`UPDATE key_event SET detail = '{"record": "another"}' WHERE kind = 'destroyed'`,
  ],
  'a key is destroyed when one has asked, another has agreed, and in that order': [
    sql`UPDATE key_event SET account_id = (SELECT account_id FROM key_event WHERE kind = 'requested') WHERE kind = 'approved'`,
    sql`DELETE FROM key_event WHERE kind = 'approved'`,
    sql`DELETE FROM key_event WHERE kind = 'destroying'`,
  ],
  "a step in a program's review has one leaf, which says the same": [
    sql`DELETE FROM program_event WHERE kind = 'scanned'`,
    sql`DELETE FROM audit_leaf WHERE class = 'program'`,
    sql`UPDATE program_event SET account_id = 'another' WHERE side = 'operator' AND kind = 'approved'`,
    sql`UPDATE program_event SET detail = '{}' WHERE kind = 'approved'`,
  ],
  'a program stands as its review says, and was approved by the operator and every provider, none of them the applicant':
    [
      sql`UPDATE program SET state = 'withdrawn'`,
      sql`UPDATE program SET state = 'rejected'`,
      sql`UPDATE program SET state = 'suspended'`,
      sql`UPDATE program_event SET round = 1 WHERE kind = 'approved'`,
      sql`UPDATE program_event SET kind = 'aborted' WHERE kind IN ('submitted', 'scanned', 'in_review')`,
      sql`DELETE FROM program_event WHERE side = 'operator'`,
      sql`DELETE FROM program_event WHERE side = 'provider'`,
      sql`UPDATE program_event SET organisation_id = p.organisation_id FROM program p WHERE kind = 'approved' AND side = 'provider'`,
    ],
  'a job that its program aborted is counted for that program, once': [
    sql`DELETE FROM program_event WHERE kind = 'aborted'`,
    sql`UPDATE program_event SET detail = '{"job":"another"}' WHERE kind = 'aborted'`,
    sql`UPDATE job SET program_digest = NULL WHERE code = 'PROGRAM_ABORTED'`,
  ],
  'an approved document has one leaf, which says the same': [
    sql`DELETE FROM audit_leaf WHERE class = 'document'`,
    sql`UPDATE filed_document SET approved_at = NULL, approved_by = NULL, leaf_index = NULL`,
    sql`UPDATE filed_document SET digest = 'another'`,
    sql`UPDATE filed_document SET filed_by = (SELECT id FROM account WHERE id NOT IN (filed_by, approved_by) LIMIT 1)`,
  ],
  'a document is approved by another account than filed it': [
    sql`UPDATE filed_document SET approved_by = filed_by`,
  ],
  'at no moment are two wordings of a document in force': [
    sql`UPDATE filed_document SET effective_to = NULL`,
    sql`UPDATE filed_document SET effective_from = effective_from - interval '1 day' WHERE revision = 2`,
  ],
  'the leaf of a new answer is its receipt': [sql`UPDATE release SET receipt = 'another'`],
  'any other leaf is the canonical usage record': [
    sql`UPDATE usage_record SET digest = 'sha256:0' WHERE type = 'refusal'`,
  ],
  'the log has as many leaves as its head says, without gaps': [
    sql`UPDATE audit_head SET size = size + 1`,
    sql`UPDATE audit_leaf SET index = index + 100 WHERE index = 1`,
  ],
  'a leaf has the hash of its body': [sql`UPDATE audit_leaf SET body = body || ' ' WHERE index = 0`],
  'every complete subtree has its node, with the hash of its halves': [
    sql`DELETE FROM audit_node WHERE index = 0 AND level = 1`,
    sql`UPDATE audit_leaf SET hash = repeat('0', 64) WHERE index = 0`,
  ],
  'the head is the right edge of the nodes': [sql`UPDATE audit_head SET hashes = '[]'`],
  'a ledger has spent its spent reservations, and reserves the open ones': [
    sql`UPDATE lineage SET spent_nano = spent_nano - 1 WHERE spent_nano > 0`,
    sql`UPDATE lineage SET reserved_nano = reserved_nano - 1 WHERE reserved_nano > 0`,
  ],
  'a ledger sets aside what its shares have left': [
    sql`UPDATE lineage SET shared_nano = shared_nano - 1 WHERE shared_nano > 0`,
    sql`UPDATE budget_share SET ended_at = now()`,
  ],
  'a share has left what no job of its grant has drawn': [
    sql`UPDATE budget_share SET left_nano = left_nano - 1`,
    sql`UPDATE reservation SET share_nano = 0`,
  ],
  'a reservation stands as its job does': [
    sql`UPDATE reservation SET state = 'returned' WHERE state = 'spent'`,
    sql`UPDATE usage_record SET spent_nano = 0 WHERE type = 'release'`,
  ],
  'a job pays the same to the lineage and the population of each of its datasets, or nothing to any': [
    sql`DELETE FROM reservation WHERE lineage_id LIKE 'population:%'`,
    sql`UPDATE reservation SET nano = nano + 1 WHERE lineage_id LIKE 'population:%'`,
    sql`UPDATE reservation SET state = 'returned' WHERE lineage_id LIKE 'population:%'`,
  ],
  'an answer was paid for, or comes from store': [sql`DELETE FROM reservation WHERE state = 'spent'`],
  'a charged run is planned to cost what it was quoted': [
    sql`UPDATE usage_record SET quoted = '{"data_usage/calls": "1"}' WHERE charged`,
    sql`UPDATE usage_record SET planned = planned || '{"spendNano": "1"}' WHERE charged`,
  ],
  'money is given back once its failed run may be seen, and as much of it as is not billed': [
    sql`UPDATE spend_return SET nano = nano + 1`,
    sql`UPDATE spend_return SET at = at - interval '1 day'`,
    sql`UPDATE usage_record SET charged = false WHERE type = 'failure'`,
    sql`INSERT INTO spend_return (job_id, nano) SELECT job_id, 0 FROM usage_record WHERE type = 'release'`,
  ],
  'a counter has used what its charged runs were planned with, less returned money, and reserves the unfinished ones':
    [
      sql`UPDATE grant_counter SET used_spend_nano = used_spend_nano + 1`,
      sql`DELETE FROM spend_return`,
      sql`UPDATE grant_counter SET used_calls = used_calls - 1 WHERE used_calls > 0`,
      sql`UPDATE grant_counter SET reserved_compute_units = 0 WHERE reserved_compute_units > 0`,
      sql`UPDATE usage_record SET charged = false WHERE type = 'release'`,
    ],
};
