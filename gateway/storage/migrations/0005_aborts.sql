-- Programs that were suspended because their jobs were aborted, and their new approval.

ALTER TABLE "program" DROP CONSTRAINT "program_state";
--> statement-breakpoint
ALTER TABLE "program" ADD CONSTRAINT "program_state" CHECK ("program"."state" IN ('submitted', 'scanned', 'in_review', 'approved', 'suspended', 'rejected', 'withdrawn'));
--> statement-breakpoint
ALTER TABLE "program_event" ADD COLUMN "round" integer DEFAULT 0 NOT NULL;
--> statement-breakpoint
DROP INDEX "program_approval_of_account";
--> statement-breakpoint
DROP INDEX "program_approval_of_side";
--> statement-breakpoint
CREATE UNIQUE INDEX "program_approval_of_account" ON "program_event" USING btree ("program_digest","round","account_id") WHERE kind = 'approved';
--> statement-breakpoint
CREATE UNIQUE INDEX "program_approval_of_side" ON "program_event" USING btree ("program_digest","round","side","organisation_id") WHERE kind = 'approved';
--> statement-breakpoint
DROP TRIGGER one_way ON program;
--> statement-breakpoint
CREATE TRIGGER one_way BEFORE UPDATE ON program
  FOR EACH ROW WHEN (
    (OLD.state, NEW.state) NOT IN (('submitted', 'scanned'), ('scanned', 'in_review'), ('in_review', 'in_review'),
      ('in_review', 'approved'), ('in_review', 'rejected'), ('approved', 'suspended'), ('suspended', 'approved'),
      ('suspended', 'rejected'), ('submitted', 'withdrawn'), ('scanned', 'withdrawn'), ('in_review', 'withdrawn'),
      ('approved', 'withdrawn'), ('suspended', 'withdrawn'), ('rejected', 'withdrawn'))
    OR NEW.digest <> OLD.digest OR NEW.module_digest <> OLD.module_digest OR NEW.module <> OLD.module
    OR NEW.manifest <> OLD.manifest OR NEW.record <> OLD.record OR NEW.datasets <> OLD.datasets
    OR NEW.organisation_id <> OLD.organisation_id OR NEW.name <> OLD.name OR NEW.version <> OLD.version
    OR NEW.submitter <> OLD.submitter
  ) EXECUTE FUNCTION unseen_forbid('a program is never changed, and its state only as its review goes');
--> statement-breakpoint
-- Whether this is a runner and nothing more: an owner, or a process that does the work of both, is a gateway too.
CREATE FUNCTION unseen_is_runner() RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = 'unseen_runner' AND pg_has_role(current_user, oid, 'USAGE'))
    AND NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'unseen_gateway' AND pg_has_role(current_user, oid, 'USAGE'))
$$;
--> statement-breakpoint
CREATE TRIGGER runner_suspends BEFORE UPDATE ON program
  FOR EACH ROW WHEN (NEW.state <> 'suspended' AND unseen_is_runner())
  EXECUTE FUNCTION unseen_forbid('a runner suspends programs, and does nothing else to them');
--> statement-breakpoint
CREATE TRIGGER runner_suspends BEFORE INSERT ON program_event
  FOR EACH ROW WHEN (NEW.kind NOT IN ('aborted', 'suspended') AND unseen_is_runner())
  EXECUTE FUNCTION unseen_forbid('a runner says that a program was aborted or suspended, and nothing else of it');
--> statement-breakpoint
ALTER FUNCTION unseen_grant_roles() RENAME TO unseen_grant_roles_before_aborts;
--> statement-breakpoint
CREATE FUNCTION unseen_grant_roles() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM unseen_grant_roles_before_aborts();
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'unseen_runner') THEN
    GRANT SELECT, INSERT ON program_event TO unseen_runner;
    GRANT UPDATE (state) ON program TO unseen_runner;
  END IF;
END
$$;
--> statement-breakpoint
SELECT unseen_grant_roles();
