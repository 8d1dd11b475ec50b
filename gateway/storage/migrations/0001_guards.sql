-- What no program may do, whoever runs it: rewrite evidence, take spent budget back, undo a final state.
-- The statements are one row at a time and read only the row, so that they cost next to nothing.

INSERT INTO audit_head (id, size, hashes) VALUES (1, 0, '[]');
--> statement-breakpoint
CREATE FUNCTION unseen_forbid() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'unseen: % of % is not allowed: %', TG_OP, TG_TABLE_NAME, TG_ARGV[0] USING ERRCODE = '55000';
END
$$;
--> statement-breakpoint
CREATE TRIGGER insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON usage_record
  FOR EACH STATEMENT EXECUTE FUNCTION unseen_forbid('usage records are insert-only');
--> statement-breakpoint
CREATE TRIGGER insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_leaf
  FOR EACH STATEMENT EXECUTE FUNCTION unseen_forbid('the log is insert-only');
--> statement-breakpoint
CREATE TRIGGER insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_node
  FOR EACH STATEMENT EXECUTE FUNCTION unseen_forbid('the log is insert-only');
--> statement-breakpoint
CREATE TRIGGER insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON checkpoint
  FOR EACH STATEMENT EXECUTE FUNCTION unseen_forbid('checkpoints are insert-only');
--> statement-breakpoint
CREATE TRIGGER insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON release
  FOR EACH STATEMENT EXECUTE FUNCTION unseen_forbid('releases are insert-only');
--> statement-breakpoint
CREATE TRIGGER insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON grant_revision
  FOR EACH STATEMENT EXECUTE FUNCTION unseen_forbid('revisions of a grant are insert-only');
--> statement-breakpoint
CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON audit_head
  FOR EACH STATEMENT EXECUTE FUNCTION unseen_forbid('the log has one head');
--> statement-breakpoint
CREATE TRIGGER only_grows BEFORE UPDATE ON audit_head
  FOR EACH ROW WHEN (NEW.size <> OLD.size + 1) EXECUTE FUNCTION unseen_forbid('the log grows by one leaf');
--> statement-breakpoint
CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON lineage
  FOR EACH STATEMENT EXECUTE FUNCTION unseen_forbid('a ledger is kept');
--> statement-breakpoint
CREATE TRIGGER never_refunded BEFORE UPDATE ON lineage
  FOR EACH ROW WHEN (
    NEW.spent_nano < OLD.spent_nano OR NEW.spent_yocto < OLD.spent_yocto
    OR NEW.id <> OLD.id OR NEW.unit <> OLD.unit
    OR NEW.ceiling_nano IS DISTINCT FROM OLD.ceiling_nano OR NEW.ceiling_yocto IS DISTINCT FROM OLD.ceiling_yocto
    OR NEW.capacity_nano > OLD.capacity_nano OR NEW.capacity_yocto > OLD.capacity_yocto
  ) EXECUTE FUNCTION unseen_forbid('what is spent stays spent, and no capacity is raised');
--> statement-breakpoint
CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON reservation
  FOR EACH STATEMENT EXECUTE FUNCTION unseen_forbid('a reservation ends as spent or returned');
--> statement-breakpoint
CREATE TRIGGER one_way BEFORE UPDATE ON reservation
  FOR EACH ROW WHEN (
    (OLD.state, NEW.state) NOT IN (('held', 'held'), ('held', 'opened'), ('held', 'returned'), ('opened', 'spent'))
    OR NEW.nano <> OLD.nano OR NEW.yocto <> OLD.yocto
    OR NEW.job_id <> OLD.job_id OR NEW.lineage_id <> OLD.lineage_id
  ) EXECUTE FUNCTION unseen_forbid('held, opened, spent; or held, returned');
--> statement-breakpoint
CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON job
  FOR EACH STATEMENT EXECUTE FUNCTION unseen_forbid('a job is kept');
--> statement-breakpoint
CREATE TRIGGER final BEFORE UPDATE ON job
  FOR EACH ROW WHEN (OLD.state = 'done' OR NEW.attempt < OLD.attempt OR (OLD.state = 'opened' AND NEW.state NOT IN ('opened', 'done')))
  EXECUTE FUNCTION unseen_forbid('a job that is done, and an attempt, are final');
--> statement-breakpoint
CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON grant_counter
  FOR EACH STATEMENT EXECUTE FUNCTION unseen_forbid('a counter is kept');
--> statement-breakpoint
CREATE TRIGGER never_lowered BEFORE UPDATE ON grant_counter
  FOR EACH ROW WHEN (
    NEW.used_runs < OLD.used_runs OR NEW.used_calls < OLD.used_calls OR NEW.used_rows < OLD.used_rows
    OR NEW.used_outputs < OLD.used_outputs OR NEW.used_compute_units < OLD.used_compute_units
    OR NEW.used_epsilon_nano < OLD.used_epsilon_nano
  ) EXECUTE FUNCTION unseen_forbid('what was used stays counted');
--> statement-breakpoint
-- The two programs. Whoever may make roles gets them made; else the operator makes them and calls
-- unseen_grant_roles() once, which is safe to repeat.
DO $$
DECLARE wanted text;
BEGIN
  IF NOT (SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user) THEN RETURN; END IF;
  FOREACH wanted IN ARRAY ARRAY['unseen_gateway', 'unseen_runner'] LOOP
    BEGIN
      EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; -- roles belong to the whole cluster
    END;
  END LOOP;
END
$$;
--> statement-breakpoint
CREATE FUNCTION unseen_grant_roles() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'unseen_gateway') THEN
    GRANT USAGE ON SCHEMA public, drizzle TO unseen_gateway;
    -- Not runner_source, not source_claim: the gateway knows no way to the data.
    GRANT SELECT ON drizzle.__drizzle_migrations, organisation, account, client_assertion, idempotency, lineage,
      dataset, dataset_version, access_grant, grant_revision, grant_counter, quote, job, job_event, reservation,
      release, usage_record, audit_leaf, audit_node, audit_head, checkpoint TO unseen_gateway;
    -- Not release: only the runner's door makes an answer.
    GRANT INSERT ON organisation, account, client_assertion, idempotency, access_grant, grant_revision,
      grant_counter, quote, job, job_event, reservation, usage_record, audit_leaf, audit_node, checkpoint
      TO unseen_gateway;
    GRANT UPDATE ON organisation, account, idempotency, access_grant, grant_counter, job, audit_head
      TO unseen_gateway;
    GRANT UPDATE (state) ON reservation TO unseen_gateway;
    GRANT UPDATE (state, policy, policy_digest) ON dataset TO unseen_gateway;
    -- Not spent: the gateway reserves and gives back what was never opened.
    GRANT UPDATE (reserved_nano, reserved_yocto, capacity_nano, capacity_yocto) ON lineage
      TO unseen_gateway;
    GRANT DELETE ON client_assertion, idempotency, quote TO unseen_gateway;
  END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'unseen_runner') THEN
    GRANT USAGE ON SCHEMA public, drizzle TO unseen_runner;
    GRANT SELECT ON drizzle.__drizzle_migrations, organisation, account, lineage, dataset, dataset_version,
      runner_source, source_claim, access_grant, grant_counter, job, job_event, reservation, release,
      usage_record, audit_leaf, audit_node, audit_head TO unseen_runner;
    GRANT INSERT ON lineage, dataset, dataset_version, runner_source, source_claim, job_event, release,
      usage_record, audit_leaf, audit_node TO unseen_runner;
    GRANT UPDATE ON lineage, dataset, runner_source, grant_counter, job, reservation, audit_head TO unseen_runner;
  END IF;
END
$$;
--> statement-breakpoint
SELECT unseen_grant_roles();
