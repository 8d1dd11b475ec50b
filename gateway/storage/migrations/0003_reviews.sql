-- Answers that wait for a person: who decided, and who has read them before a decision. Both take inserts only.
ALTER TABLE "job" ADD COLUMN "review" boolean DEFAULT false NOT NULL;
--> statement-breakpoint
CREATE INDEX "job_in_review" ON "job" USING btree ("grant_id","plan_digest") WHERE review;
--> statement-breakpoint
CREATE TABLE "release_review" (
	"release_id" text PRIMARY KEY NOT NULL,
	"job_id" text NOT NULL,
	"decision" text NOT NULL,
	"reason" text,
	"note" text,
	"account_id" text NOT NULL,
	"leaf_index" bigint NOT NULL,
	"decided_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "release_review_leaf_index_unique" UNIQUE("leaf_index"),
	CONSTRAINT "release_review_decision" CHECK ("release_review"."decision" IN ('approved', 'rejected')),
	CONSTRAINT "release_review_reason" CHECK (("release_review"."decision" = 'rejected') = ("release_review"."reason" IS NOT NULL))
);
--> statement-breakpoint
CREATE TABLE "release_reading" (
	"id" text PRIMARY KEY NOT NULL,
	"release_id" text NOT NULL,
	"account_id" text NOT NULL,
	"read_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "release_review" ADD CONSTRAINT "release_review_release_id_release_id_fk" FOREIGN KEY ("release_id") REFERENCES "public"."release"("id") ON DELETE no action ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "release_review" ADD CONSTRAINT "release_review_job_id_job_id_fk" FOREIGN KEY ("job_id") REFERENCES "public"."job"("id") ON DELETE no action ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "release_review" ADD CONSTRAINT "release_review_account_id_account_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."account"("id") ON DELETE no action ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "release_reading" ADD CONSTRAINT "release_reading_release_id_release_id_fk" FOREIGN KEY ("release_id") REFERENCES "public"."release"("id") ON DELETE no action ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "release_reading" ADD CONSTRAINT "release_reading_account_id_account_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."account"("id") ON DELETE no action ON UPDATE no action;
--> statement-breakpoint
CREATE TRIGGER insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON release_review
  FOR EACH STATEMENT EXECUTE FUNCTION unseen_forbid('a decision about a release is final');
--> statement-breakpoint
CREATE TRIGGER insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON release_reading
  FOR EACH STATEMENT EXECUTE FUNCTION unseen_forbid('readings by reviewers are insert-only');
--> statement-breakpoint
-- The function that gives the programs their rights keeps its name and what it gave before; this adds to it, so that
-- whatever an earlier migration put into it stays.
ALTER FUNCTION unseen_grant_roles() RENAME TO unseen_grant_roles_before_reviews;
--> statement-breakpoint
CREATE FUNCTION unseen_grant_roles() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM unseen_grant_roles_before_reviews();
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'unseen_gateway') THEN
    GRANT SELECT, INSERT ON release_review, release_reading TO unseen_gateway;
  END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'unseen_runner') THEN
    -- To see whether a stored answer may be told of; only the gateway writes decisions.
    GRANT SELECT ON release_review TO unseen_runner;
  END IF;
END
$$;
--> statement-breakpoint
SELECT unseen_grant_roles();
