-- Rated usage by class: one row per usage record instead of one per fee and basis, so that a month is rated in seconds.
DROP TABLE "rated_usage";
--> statement-breakpoint
CREATE TABLE "rated_run" (
	"usage_id" text PRIMARY KEY NOT NULL,
	"class_id" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "usage_class" (
	"id" text NOT NULL,
	"fee_type" text NOT NULL,
	"basis" text NOT NULL,
	"family_id" text NOT NULL,
	CONSTRAINT "usage_class_id_fee_type_basis_pk" PRIMARY KEY("id","fee_type","basis")
);
--> statement-breakpoint
ALTER TABLE "usage_class" ADD CONSTRAINT "usage_class_family_id_line_family_id_fk" FOREIGN KEY ("family_id") REFERENCES "public"."line_family"("id") ON DELETE no action ON UPDATE no action;
--> statement-breakpoint
CREATE INDEX "rated_run_of_class" ON "rated_run" USING btree ("class_id");
--> statement-breakpoint
CREATE INDEX "usage_class_of_family" ON "usage_class" USING btree ("family_id");
--> statement-breakpoint
CREATE VIEW rated_usage AS
  SELECT r.usage_id, c.fee_type, c.basis, c.family_id FROM rated_run r JOIN usage_class c ON c.id = r.class_id;
--> statement-breakpoint
CREATE TRIGGER insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON usage_class
  FOR EACH STATEMENT EXECUTE FUNCTION unseen_forbid('a class stands on the same families for good');
--> statement-breakpoint
CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON rated_run
  FOR EACH STATEMENT EXECUTE FUNCTION unseen_forbid('what was rated is kept');
--> statement-breakpoint
CREATE TRIGGER same_usage BEFORE UPDATE ON rated_run
  FOR EACH ROW WHEN (NEW.usage_id <> OLD.usage_id)
  EXECUTE FUNCTION unseen_forbid('usage is rated once; a correction moves it to another class');
--> statement-breakpoint
ALTER FUNCTION unseen_grant_roles() RENAME TO unseen_grant_roles_before_rating;
--> statement-breakpoint
CREATE FUNCTION unseen_grant_roles() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM unseen_grant_roles_before_rating();
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'unseen_gateway') THEN
    GRANT SELECT, INSERT ON rated_run, usage_class TO unseen_gateway;
    GRANT UPDATE ON rated_run TO unseen_gateway;
  END IF;
END
$$;
--> statement-breakpoint
SELECT unseen_grant_roles();
