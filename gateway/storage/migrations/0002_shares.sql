-- Shares: what a grant in force sets aside of a ledger for its own jobs.

CREATE TABLE "budget_share" (
	"grant_id" text NOT NULL,
	"lineage_id" text NOT NULL,
	"revision" integer NOT NULL,
	"nano" numeric(38, 0) NOT NULL,
	"yocto" numeric(38, 0) NOT NULL,
	"left_nano" numeric(38, 0) NOT NULL,
	"left_yocto" numeric(38, 0) NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"ended_at" timestamp (3) with time zone,
	CONSTRAINT "budget_share_grant_id_lineage_id_pk" PRIMARY KEY("grant_id","lineage_id"),
	CONSTRAINT "budget_share_left" CHECK ("budget_share"."left_nano" BETWEEN 0 AND "budget_share"."nano" AND "budget_share"."left_yocto" BETWEEN 0 AND "budget_share"."yocto")
);
--> statement-breakpoint
ALTER TABLE "lineage" DROP CONSTRAINT "lineage_not_negative";
--> statement-breakpoint
ALTER TABLE "lineage" DROP CONSTRAINT "lineage_nano";
--> statement-breakpoint
ALTER TABLE "lineage" DROP CONSTRAINT "lineage_yocto";
--> statement-breakpoint
ALTER TABLE "lineage" ADD COLUMN "shared_nano" numeric(38, 0) DEFAULT 0 NOT NULL;
--> statement-breakpoint
ALTER TABLE "lineage" ADD COLUMN "shared_yocto" numeric(38, 0) DEFAULT 0 NOT NULL;
--> statement-breakpoint
ALTER TABLE "reservation" ADD COLUMN "share_nano" numeric(38, 0) DEFAULT 0 NOT NULL;
--> statement-breakpoint
ALTER TABLE "reservation" ADD COLUMN "share_yocto" numeric(38, 0) DEFAULT 0 NOT NULL;
--> statement-breakpoint
ALTER TABLE "budget_share" ADD CONSTRAINT "budget_share_grant_id_access_grant_id_fk" FOREIGN KEY ("grant_id") REFERENCES "public"."access_grant"("id") ON DELETE no action ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "budget_share" ADD CONSTRAINT "budget_share_lineage_id_lineage_id_fk" FOREIGN KEY ("lineage_id") REFERENCES "public"."lineage"("id") ON DELETE no action ON UPDATE no action;
--> statement-breakpoint
CREATE INDEX "budget_share_of_lineage" ON "budget_share" USING btree ("lineage_id") WHERE ended_at IS NULL;
--> statement-breakpoint
ALTER TABLE "lineage" ADD CONSTRAINT "lineage_not_negative" CHECK (least("lineage"."reserved_nano", "lineage"."reserved_yocto", "lineage"."spent_nano", "lineage"."spent_yocto", "lineage"."shared_nano", "lineage"."shared_yocto") >= 0);
--> statement-breakpoint
ALTER TABLE "lineage" ADD CONSTRAINT "lineage_nano" CHECK ("lineage"."reserved_nano" + "lineage"."spent_nano" + "lineage"."shared_nano" <= "lineage"."ceiling_nano");
--> statement-breakpoint
ALTER TABLE "lineage" ADD CONSTRAINT "lineage_yocto" CHECK ("lineage"."reserved_yocto" + "lineage"."spent_yocto" + "lineage"."shared_yocto" <= "lineage"."ceiling_yocto");
--> statement-breakpoint
ALTER TABLE "reservation" ADD CONSTRAINT "reservation_share" CHECK ("reservation"."share_nano" BETWEEN 0 AND "reservation"."nano" AND "reservation"."share_yocto" BETWEEN 0 AND "reservation"."yocto");
--> statement-breakpoint
CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON budget_share
  FOR EACH STATEMENT EXECUTE FUNCTION unseen_forbid('a share is kept');
--> statement-breakpoint
CREATE TRIGGER ends_for_good BEFORE UPDATE ON budget_share
  FOR EACH ROW WHEN (
    NEW.grant_id <> OLD.grant_id OR NEW.lineage_id <> OLD.lineage_id OR NEW.revision < OLD.revision
    OR NEW.revision = OLD.revision AND (OLD.ended_at IS NOT NULL OR NEW.nano <> OLD.nano OR NEW.yocto <> OLD.yocto)
  ) EXECUTE FUNCTION unseen_forbid('a share that ended comes back with a new wording of its grant only');
--> statement-breakpoint
CREATE TRIGGER share_kept BEFORE UPDATE ON reservation
  FOR EACH ROW WHEN (NEW.share_nano <> OLD.share_nano OR NEW.share_yocto <> OLD.share_yocto)
  EXECUTE FUNCTION unseen_forbid('what was drawn on a share stays so');
--> statement-breakpoint
ALTER FUNCTION unseen_grant_roles() RENAME TO unseen_grant_roles_0001;
--> statement-breakpoint
CREATE FUNCTION unseen_grant_roles() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM unseen_grant_roles_0001();
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'unseen_gateway') THEN
    GRANT SELECT, INSERT, UPDATE ON budget_share TO unseen_gateway;
    GRANT UPDATE (shared_nano, shared_yocto) ON lineage TO unseen_gateway;
  END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'unseen_runner') THEN
    -- A job that it returns gives back what it drew.
    GRANT SELECT, UPDATE ON budget_share TO unseen_runner;
  END IF;
END
$$;
--> statement-breakpoint
SELECT unseen_grant_roles();
