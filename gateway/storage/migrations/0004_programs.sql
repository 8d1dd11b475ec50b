-- Programs of buyers: what was submitted, where its review stands, and everything that was done about it.

CREATE TABLE "program" (
	"digest" text PRIMARY KEY NOT NULL,
	"module_digest" text NOT NULL,
	"organisation_id" text NOT NULL,
	"name" text NOT NULL,
	"version" integer NOT NULL,
	"module" text NOT NULL,
	"manifest" jsonb NOT NULL,
	"datasets" text[] NOT NULL,
	"record" jsonb NOT NULL,
	"submitter" text NOT NULL,
	"state" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "program_version" UNIQUE("organisation_id","name","version"),
	CONSTRAINT "program_state" CHECK ("program"."state" IN ('submitted', 'scanned', 'in_review', 'approved', 'rejected', 'withdrawn'))
);
--> statement-breakpoint
CREATE TABLE "program_event" (
	"id" text PRIMARY KEY NOT NULL,
	"program_digest" text NOT NULL,
	"seq" integer NOT NULL,
	"kind" text NOT NULL,
	"account_id" text NOT NULL,
	"organisation_id" text NOT NULL,
	"side" text NOT NULL,
	"detail" jsonb NOT NULL,
	"leaf_index" bigint,
	"at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "program_event_leaf_index_unique" UNIQUE("leaf_index"),
	CONSTRAINT "program_event_order" UNIQUE("program_digest","seq"),
	CONSTRAINT "program_event_leaf" CHECK (("program_event"."kind" = 'read') = ("program_event"."leaf_index" IS NULL)),
	CONSTRAINT "program_event_reason" CHECK ("program_event"."kind" <> 'rejected' OR (coalesce("program_event"."detail"->>'reason', '') <> '' AND coalesce("program_event"."detail"->>'text', '') <> '' AND coalesce("program_event"."detail"->>'basis', '') <> ''))
);
--> statement-breakpoint
ALTER TABLE "job" ADD COLUMN "program_digest" text;
--> statement-breakpoint
ALTER TABLE "program" ADD CONSTRAINT "program_organisation_id_organisation_id_fk" FOREIGN KEY ("organisation_id") REFERENCES "public"."organisation"("id") ON DELETE no action ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "program" ADD CONSTRAINT "program_submitter_account_id_fk" FOREIGN KEY ("submitter") REFERENCES "public"."account"("id") ON DELETE no action ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "program_event" ADD CONSTRAINT "program_event_program_digest_program_digest_fk" FOREIGN KEY ("program_digest") REFERENCES "public"."program"("digest") ON DELETE no action ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "program_event" ADD CONSTRAINT "program_event_account_id_account_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."account"("id") ON DELETE no action ON UPDATE no action;
--> statement-breakpoint
CREATE UNIQUE INDEX "program_approval_of_account" ON "program_event" USING btree ("program_digest","account_id") WHERE kind = 'approved';
--> statement-breakpoint
CREATE UNIQUE INDEX "program_approval_of_side" ON "program_event" USING btree ("program_digest","side","organisation_id") WHERE kind = 'approved';
--> statement-breakpoint
ALTER TABLE "job" ADD CONSTRAINT "job_program_digest_program_digest_fk" FOREIGN KEY ("program_digest") REFERENCES "public"."program"("digest") ON DELETE no action ON UPDATE no action;
--> statement-breakpoint
CREATE INDEX "job_of_program" ON "job" USING btree ("program_digest") WHERE state <> 'done';
--> statement-breakpoint
CREATE TRIGGER insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON program_event
  FOR EACH STATEMENT EXECUTE FUNCTION unseen_forbid('what was done about a program is insert-only');
--> statement-breakpoint
CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON program
  FOR EACH STATEMENT EXECUTE FUNCTION unseen_forbid('a program is kept');
--> statement-breakpoint
CREATE TRIGGER one_way BEFORE UPDATE ON program
  FOR EACH ROW WHEN (
    (OLD.state, NEW.state) NOT IN (('submitted', 'scanned'), ('scanned', 'in_review'), ('in_review', 'in_review'),
      ('in_review', 'approved'), ('in_review', 'rejected'), ('submitted', 'withdrawn'), ('scanned', 'withdrawn'),
      ('in_review', 'withdrawn'), ('approved', 'withdrawn'), ('rejected', 'withdrawn'))
    OR NEW.digest <> OLD.digest OR NEW.module_digest <> OLD.module_digest OR NEW.module <> OLD.module
    OR NEW.manifest <> OLD.manifest OR NEW.record <> OLD.record OR NEW.datasets <> OLD.datasets
    OR NEW.organisation_id <> OLD.organisation_id OR NEW.name <> OLD.name OR NEW.version <> OLD.version
    OR NEW.submitter <> OLD.submitter
  ) EXECUTE FUNCTION unseen_forbid('a program is never changed, and its state only forward');
--> statement-breakpoint
CREATE TRIGGER program_kept BEFORE UPDATE ON job
  FOR EACH ROW WHEN (NEW.program_digest IS DISTINCT FROM OLD.program_digest)
  EXECUTE FUNCTION unseen_forbid('a job runs the program that it was admitted for');
--> statement-breakpoint
ALTER FUNCTION unseen_grant_roles() RENAME TO unseen_grant_roles_before_programs;
--> statement-breakpoint
CREATE FUNCTION unseen_grant_roles() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM unseen_grant_roles_before_programs();
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'unseen_gateway') THEN
    GRANT SELECT, INSERT ON program, program_event TO unseen_gateway;
    GRANT UPDATE (state) ON program TO unseen_gateway;
  END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'unseen_runner') THEN
    -- To run what was approved, and to see that it still is; only the gateway writes reviews.
    GRANT SELECT ON program TO unseen_runner;
  END IF;
END
$$;
--> statement-breakpoint
SELECT unseen_grant_roles();
