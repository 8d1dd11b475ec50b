-- From when until when a wording of a grant was in force, kept when a new one takes its place: its approvals go then.
CREATE TABLE "grant_term" (
	"grant_id" text NOT NULL,
	"revision" integer NOT NULL,
	"began_at" timestamp (3) with time zone NOT NULL,
	"ended_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "grant_term_grant_id_revision_pk" PRIMARY KEY("grant_id","revision")
);
--> statement-breakpoint
ALTER TABLE "grant_term" ADD CONSTRAINT "grant_term_grant_id_access_grant_id_fk" FOREIGN KEY ("grant_id") REFERENCES "public"."access_grant"("id") ON DELETE no action ON UPDATE no action;
--> statement-breakpoint
CREATE TRIGGER insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON grant_term
  FOR EACH STATEMENT EXECUTE FUNCTION unseen_forbid('what was in force stays so');
--> statement-breakpoint
ALTER FUNCTION unseen_grant_roles() RENAME TO unseen_grant_roles_before_terms;
--> statement-breakpoint
CREATE FUNCTION unseen_grant_roles() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM unseen_grant_roles_before_terms();
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'unseen_gateway') THEN
    GRANT SELECT, INSERT ON grant_term TO unseen_gateway;
  END IF;
END
$$;
--> statement-breakpoint
SELECT unseen_grant_roles();
