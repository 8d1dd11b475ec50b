-- By what a run is billed is hashed and given on far more often than it is looked into: as text neither has to write it anew.
ALTER TABLE "usage_record" ALTER COLUMN "billing" SET DATA TYPE json USING billing::text::json;
--> statement-breakpoint
ALTER TABLE "job" ALTER COLUMN "billing" SET DATA TYPE json USING billing::text::json;
