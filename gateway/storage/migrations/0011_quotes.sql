CREATE UNIQUE INDEX "job_of_quote" ON "job" USING btree ("quote_id") WHERE quote_id IS NOT NULL AND billing IS NOT NULL;
--> statement-breakpoint
CREATE TRIGGER never_changed BEFORE UPDATE OR TRUNCATE ON quote
  FOR EACH STATEMENT EXECUTE FUNCTION unseen_forbid('a quote binds as it was made');
