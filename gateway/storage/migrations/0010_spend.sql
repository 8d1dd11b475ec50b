ALTER TABLE "spend_alert" DROP CONSTRAINT "spend_alert_grant_id_scope_percent_pk";
--> statement-breakpoint
ALTER TABLE "spend_alert" ADD COLUMN "cap_nano" numeric(38, 0) NOT NULL;
--> statement-breakpoint
ALTER TABLE "spend_alert" ADD CONSTRAINT "spend_alert_grant_id_scope_cap_nano_percent_pk" PRIMARY KEY("grant_id","scope","cap_nano","percent");
--> statement-breakpoint
CREATE INDEX "usage_record_failed" ON "usage_record" USING btree ("visible_at") WHERE outcome = 'failed' AND charged;
--> statement-breakpoint
-- Once for each cap: a new wording of the grant that allows more is half used anew.
CREATE OR REPLACE FUNCTION unseen_alert_spend() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  INSERT INTO spend_alert (grant_id, scope, cap_nano, percent)
  SELECT NEW.grant_id, NEW.scope, NEW.cap_spend_nano, p FROM unnest(ARRAY[50, 80, 100]) AS p
  WHERE (NEW.reserved_spend_nano + NEW.used_spend_nano) * 100 >= NEW.cap_spend_nano * p
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END
$$;
