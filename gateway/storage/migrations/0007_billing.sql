-- Agreements, prices, bills and settlement. Money is whole fen, or billionths of a yuan before a bill is made.
CREATE TABLE "correction" (
	"id" text PRIMARY KEY NOT NULL,
	"cause" text NOT NULL,
	"usage_id" text NOT NULL,
	"change" jsonb NOT NULL,
	"evidence" jsonb NOT NULL,
	"requested_by" text NOT NULL,
	"requested_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"decision" text,
	"decided_by" text,
	"decided_at" timestamp (3) with time zone,
	"leaf_index" bigint,
	"statement_id" text,
	CONSTRAINT "correction_leaf_index_unique" UNIQUE("leaf_index"),
	CONSTRAINT "correction_cause" CHECK ("correction"."cause" IN ('quantity', 'price', 'purpose', 'duplicate', 'dispute', 'cancel')),
	CONSTRAINT "correction_two_people" CHECK ("correction"."decided_by" <> "correction"."requested_by"),
	CONSTRAINT "correction_decided" CHECK (num_nulls("correction"."decision", "correction"."decided_by", "correction"."decided_at") IN (0, 3))
);
--> statement-breakpoint
CREATE TABLE "cost_entry" (
	"id" text PRIMARY KEY NOT NULL,
	"period" text NOT NULL,
	"purpose_class" text NOT NULL,
	"category" text NOT NULL,
	"amount_fen" numeric(38, 0) NOT NULL,
	"description" text NOT NULL,
	"evidence" text,
	"reverses_id" text,
	"entered_by" text NOT NULL,
	"entered_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "cost_entry_reverses_id_unique" UNIQUE("reverses_id")
);
--> statement-breakpoint
CREATE TABLE "invoice" (
	"line_id" text PRIMARY KEY NOT NULL,
	"number" text NOT NULL,
	"issued_on" date NOT NULL,
	"issuer" text NOT NULL,
	"recorded_by" text NOT NULL,
	"recorded_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "line_family" (
	"id" text PRIMARY KEY NOT NULL,
	"organisation_id" text NOT NULL,
	"period" text NOT NULL,
	"fee_type" text NOT NULL,
	"basis" text NOT NULL,
	"key" jsonb NOT NULL
);
--> statement-breakpoint
CREATE TABLE "payment_advice" (
	"reference" text PRIMARY KEY NOT NULL,
	"instruction_id" text NOT NULL,
	"amount_fen" numeric(38, 0) NOT NULL,
	"currency" text NOT NULL,
	"paid_on" date NOT NULL,
	"recorded_by" text NOT NULL,
	"recorded_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "payment_advice_instruction_id_unique" UNIQUE("instruction_id")
);
--> statement-breakpoint
CREATE TABLE "price_task" (
	"year" integer NOT NULL,
	"ceiling_id" text NOT NULL,
	"kind" text NOT NULL,
	"working" jsonb NOT NULL,
	"opened_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"closed_by" text,
	"closed_at" timestamp (3) with time zone,
	"outcome" text,
	CONSTRAINT "price_task_year_ceiling_id_pk" PRIMARY KEY("year","ceiling_id"),
	CONSTRAINT "price_task_kind" CHECK ("price_task"."kind" IN ('actual_price', 'cap'))
);
--> statement-breakpoint
CREATE TABLE "rated_usage" (
	"usage_id" text NOT NULL,
	"fee_type" text NOT NULL,
	"basis" text NOT NULL,
	"family_id" text NOT NULL,
	CONSTRAINT "rated_usage_usage_id_fee_type_basis_pk" PRIMARY KEY("usage_id","fee_type","basis")
);
--> statement-breakpoint
CREATE TABLE "run_destruction" (
	"job_id" text PRIMARY KEY NOT NULL,
	"record" jsonb NOT NULL,
	"complete" boolean NOT NULL,
	"at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "settlement_instruction" (
	"id" text PRIMARY KEY NOT NULL,
	"idem_key" text NOT NULL,
	"statement_id" text NOT NULL,
	"fee_type" text NOT NULL,
	"payer" text NOT NULL,
	"payee" text NOT NULL,
	"payee_type" text NOT NULL,
	"amount_fen" numeric(38, 0) NOT NULL,
	"currency" text NOT NULL,
	"contract_number" text NOT NULL,
	"state" text NOT NULL,
	"created_by" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"sent_at" timestamp (3) with time zone,
	CONSTRAINT "settlement_instruction_idem_key_unique" UNIQUE("idem_key"),
	CONSTRAINT "settlement_instruction_state" CHECK ("settlement_instruction"."state" IN ('pending', 'sent', 'matched', 'rejected'))
);
--> statement-breakpoint
CREATE TABLE "settlement_share" (
	"line_id" text NOT NULL,
	"payee" text NOT NULL,
	"payee_type" text NOT NULL,
	"amount_fen" numeric(38, 0) NOT NULL,
	"instruction_id" text,
	CONSTRAINT "settlement_share_line_id_payee_pk" PRIMARY KEY("line_id","payee")
);
--> statement-breakpoint
CREATE TABLE "statement" (
	"id" text PRIMARY KEY NOT NULL,
	"issuer" text NOT NULL,
	"seq" bigint NOT NULL,
	"organisation_id" text NOT NULL,
	"period" text NOT NULL,
	"state" text NOT NULL,
	"currency" text NOT NULL,
	"total_fen" numeric(38, 0) NOT NULL,
	"lines" integer NOT NULL,
	"lines_root" text NOT NULL,
	"head" text NOT NULL,
	"digest" text NOT NULL,
	"previous_digest" text,
	"signed" text,
	"leaf_index" bigint,
	"closed_by" text NOT NULL,
	"closed_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"issued_by" text,
	"issued_at" timestamp (3) with time zone,
	CONSTRAINT "statement_leaf_index_unique" UNIQUE("leaf_index"),
	CONSTRAINT "statement_state" CHECK ("statement"."state" IN ('closed', 'issued', 'disputed', 'settled')),
	CONSTRAINT "statement_issued" CHECK (num_nulls("statement"."signed", "statement"."leaf_index", "statement"."issued_by", "statement"."issued_at") = CASE "statement"."state" WHEN 'closed' THEN 4 ELSE 0 END)
);
--> statement-breakpoint
CREATE TABLE "statement_event" (
	"statement_id" text NOT NULL,
	"seq" integer NOT NULL,
	"kind" text NOT NULL,
	"by" text NOT NULL,
	"reason" text,
	"at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "statement_event_statement_id_seq_pk" PRIMARY KEY("statement_id","seq")
);
--> statement-breakpoint
CREATE TABLE "statement_line" (
	"id" text PRIMARY KEY NOT NULL,
	"statement_id" text NOT NULL,
	"ordinal" integer NOT NULL,
	"family_id" text NOT NULL,
	"kind" text NOT NULL,
	"reverses_line_id" text,
	"original_period" text NOT NULL,
	"fee_type" text NOT NULL,
	"basis" text NOT NULL,
	"events" numeric(38, 0) NOT NULL,
	"quantity" numeric(38, 0) NOT NULL,
	"amount_precise" numeric(60, 24) NOT NULL,
	"amount_fen" numeric(38, 0) NOT NULL,
	"quoted_nano" numeric(38, 0) NOT NULL,
	"zero_reason" text,
	"body" text NOT NULL,
	"inputs_digest" text NOT NULL,
	CONSTRAINT "statement_line_reverses_line_id_unique" UNIQUE("reverses_line_id"),
	CONSTRAINT "statement_line_kind" CHECK (("statement_line"."kind" = 'reversal') = ("statement_line"."reverses_line_id" IS NOT NULL) AND "statement_line"."kind" IN ('charge', 'reversal', 'rebill')),
	CONSTRAINT "statement_line_zero" CHECK ("statement_line"."zero_reason" IS NULL OR "statement_line"."amount_fen" = 0)
);
--> statement-breakpoint
CREATE TABLE "statement_sequence" (
	"issuer" text PRIMARY KEY NOT NULL,
	"last" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "filed_document" (
	"kind" text NOT NULL,
	"id" text NOT NULL,
	"revision" integer NOT NULL,
	"body" jsonb NOT NULL,
	"digest" text NOT NULL,
	"effective_from" timestamp (3) with time zone NOT NULL,
	"effective_to" timestamp (3) with time zone,
	"filed_by" text NOT NULL,
	"filed_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"approved_by" text,
	"approved_at" timestamp (3) with time zone,
	"leaf_index" bigint,
	"withdrawn_by" text,
	"withdrawn_at" timestamp (3) with time zone,
	CONSTRAINT "filed_document_kind_id_revision_pk" PRIMARY KEY("kind","id","revision"),
	CONSTRAINT "filed_document_leaf_index_unique" UNIQUE("leaf_index"),
	CONSTRAINT "filed_document_kind" CHECK ("filed_document"."kind" IN ('Agreement', 'RateCard', 'PriceCap', 'RevenueCeiling', 'Product')),
	CONSTRAINT "filed_document_two_people" CHECK ("filed_document"."approved_by" <> "filed_document"."filed_by"),
	CONSTRAINT "filed_document_approved" CHECK (num_nulls("filed_document"."approved_by", "filed_document"."approved_at", "filed_document"."leaf_index") IN (0, 3)),
	CONSTRAINT "filed_document_withdrawn" CHECK (num_nulls("filed_document"."withdrawn_by", "filed_document"."withdrawn_at") IN (0, 2)),
	CONSTRAINT "filed_document_dates" CHECK ("filed_document"."effective_to" > "filed_document"."effective_from")
);
--> statement-breakpoint
CREATE TABLE "quote_acceptance" (
	"quote_id" text PRIMARY KEY NOT NULL,
	"account_id" text NOT NULL,
	"grant_id" text NOT NULL,
	"record" text NOT NULL,
	"leaf_index" bigint NOT NULL,
	"accepted_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "quote_acceptance_leaf_index_unique" UNIQUE("leaf_index")
);
--> statement-breakpoint
CREATE TABLE "quote_count" (
	"account_id" text NOT NULL,
	"day" text NOT NULL,
	"made" integer NOT NULL,
	CONSTRAINT "quote_count_account_id_day_pk" PRIMARY KEY("account_id","day")
);
--> statement-breakpoint
CREATE TABLE "spend_alert" (
	"grant_id" text NOT NULL,
	"scope" text NOT NULL,
	"percent" integer NOT NULL,
	"at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "spend_alert_grant_id_scope_percent_pk" PRIMARY KEY("grant_id","scope","percent")
);
--> statement-breakpoint
CREATE TABLE "spend_return" (
	"job_id" text PRIMARY KEY NOT NULL,
	"nano" numeric(38, 0) NOT NULL,
	"at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "usage_record" ADD COLUMN "billing" jsonb;
--> statement-breakpoint
ALTER TABLE "usage_record" ADD COLUMN "quoted" jsonb DEFAULT '{}'::jsonb NOT NULL;
--> statement-breakpoint
ALTER TABLE "usage_record" ADD COLUMN "quote_id" text;
--> statement-breakpoint
ALTER TABLE "grant_counter" ADD COLUMN "cap_spend_nano" numeric(38, 0);
--> statement-breakpoint
ALTER TABLE "grant_counter" ADD COLUMN "reserved_spend_nano" numeric(38, 0) DEFAULT 0 NOT NULL;
--> statement-breakpoint
ALTER TABLE "grant_counter" ADD COLUMN "used_spend_nano" numeric(38, 0) DEFAULT 0 NOT NULL;
--> statement-breakpoint
ALTER TABLE "quote" ADD COLUMN "billing" jsonb;
--> statement-breakpoint
ALTER TABLE "quote" ADD COLUMN "quoted" jsonb DEFAULT '{}'::jsonb NOT NULL;
--> statement-breakpoint
ALTER TABLE "job" ADD COLUMN "billing" jsonb;
--> statement-breakpoint
ALTER TABLE "job" ADD COLUMN "quoted" jsonb DEFAULT '{}'::jsonb NOT NULL;
--> statement-breakpoint
ALTER TABLE "correction" ADD CONSTRAINT "correction_requested_by_account_id_fk" FOREIGN KEY ("requested_by") REFERENCES "public"."account"("id") ON DELETE no action ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "correction" ADD CONSTRAINT "correction_decided_by_account_id_fk" FOREIGN KEY ("decided_by") REFERENCES "public"."account"("id") ON DELETE no action ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "correction" ADD CONSTRAINT "correction_statement_id_statement_id_fk" FOREIGN KEY ("statement_id") REFERENCES "public"."statement"("id") ON DELETE no action ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "cost_entry" ADD CONSTRAINT "cost_entry_entered_by_account_id_fk" FOREIGN KEY ("entered_by") REFERENCES "public"."account"("id") ON DELETE no action ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "invoice" ADD CONSTRAINT "invoice_line_id_statement_line_id_fk" FOREIGN KEY ("line_id") REFERENCES "public"."statement_line"("id") ON DELETE no action ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "line_family" ADD CONSTRAINT "line_family_organisation_id_organisation_id_fk" FOREIGN KEY ("organisation_id") REFERENCES "public"."organisation"("id") ON DELETE no action ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "payment_advice" ADD CONSTRAINT "payment_advice_instruction_id_settlement_instruction_id_fk" FOREIGN KEY ("instruction_id") REFERENCES "public"."settlement_instruction"("id") ON DELETE no action ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "price_task" ADD CONSTRAINT "price_task_closed_by_account_id_fk" FOREIGN KEY ("closed_by") REFERENCES "public"."account"("id") ON DELETE no action ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "settlement_instruction" ADD CONSTRAINT "settlement_instruction_statement_id_statement_id_fk" FOREIGN KEY ("statement_id") REFERENCES "public"."statement"("id") ON DELETE no action ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "settlement_share" ADD CONSTRAINT "settlement_share_line_id_statement_line_id_fk" FOREIGN KEY ("line_id") REFERENCES "public"."statement_line"("id") ON DELETE no action ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "settlement_share" ADD CONSTRAINT "settlement_share_instruction_id_settlement_instruction_id_fk" FOREIGN KEY ("instruction_id") REFERENCES "public"."settlement_instruction"("id") ON DELETE no action ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "statement" ADD CONSTRAINT "statement_issuer_organisation_id_fk" FOREIGN KEY ("issuer") REFERENCES "public"."organisation"("id") ON DELETE no action ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "statement" ADD CONSTRAINT "statement_organisation_id_organisation_id_fk" FOREIGN KEY ("organisation_id") REFERENCES "public"."organisation"("id") ON DELETE no action ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "statement_event" ADD CONSTRAINT "statement_event_statement_id_statement_id_fk" FOREIGN KEY ("statement_id") REFERENCES "public"."statement"("id") ON DELETE no action ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "statement_line" ADD CONSTRAINT "statement_line_statement_id_statement_id_fk" FOREIGN KEY ("statement_id") REFERENCES "public"."statement"("id") ON DELETE no action ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "statement_line" ADD CONSTRAINT "statement_line_family_id_line_family_id_fk" FOREIGN KEY ("family_id") REFERENCES "public"."line_family"("id") ON DELETE no action ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "statement_sequence" ADD CONSTRAINT "statement_sequence_issuer_organisation_id_fk" FOREIGN KEY ("issuer") REFERENCES "public"."organisation"("id") ON DELETE no action ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "filed_document" ADD CONSTRAINT "filed_document_filed_by_account_id_fk" FOREIGN KEY ("filed_by") REFERENCES "public"."account"("id") ON DELETE no action ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "filed_document" ADD CONSTRAINT "filed_document_approved_by_account_id_fk" FOREIGN KEY ("approved_by") REFERENCES "public"."account"("id") ON DELETE no action ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "filed_document" ADD CONSTRAINT "filed_document_withdrawn_by_account_id_fk" FOREIGN KEY ("withdrawn_by") REFERENCES "public"."account"("id") ON DELETE no action ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "quote_acceptance" ADD CONSTRAINT "quote_acceptance_quote_id_quote_id_fk" FOREIGN KEY ("quote_id") REFERENCES "public"."quote"("id") ON DELETE no action ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "quote_acceptance" ADD CONSTRAINT "quote_acceptance_account_id_account_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."account"("id") ON DELETE no action ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "quote_acceptance" ADD CONSTRAINT "quote_acceptance_grant_id_access_grant_id_fk" FOREIGN KEY ("grant_id") REFERENCES "public"."access_grant"("id") ON DELETE no action ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "quote_count" ADD CONSTRAINT "quote_count_account_id_account_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."account"("id") ON DELETE no action ON UPDATE no action;
--> statement-breakpoint
CREATE INDEX "correction_of_usage" ON "correction" USING btree ("usage_id");
--> statement-breakpoint
CREATE INDEX "cost_entry_of_period" ON "cost_entry" USING btree ("period");
--> statement-breakpoint
CREATE INDEX "line_family_of_period" ON "line_family" USING btree ("organisation_id","period");
--> statement-breakpoint
CREATE INDEX "rated_usage_of_family" ON "rated_usage" USING btree ("family_id");
--> statement-breakpoint
CREATE INDEX "settlement_instruction_of_statement" ON "settlement_instruction" USING btree ("statement_id");
--> statement-breakpoint
CREATE UNIQUE INDEX "statement_number" ON "statement" USING btree ("issuer","seq");
--> statement-breakpoint
CREATE UNIQUE INDEX "statement_of_month" ON "statement" USING btree ("issuer","organisation_id","period");
--> statement-breakpoint
CREATE UNIQUE INDEX "statement_line_order" ON "statement_line" USING btree ("statement_id","ordinal");
--> statement-breakpoint
CREATE INDEX "statement_line_of_family" ON "statement_line" USING btree ("family_id");
--> statement-breakpoint
CREATE INDEX "filed_document_in_force" ON "filed_document" USING btree ("kind","effective_from");
--> statement-breakpoint
CREATE INDEX "usage_record_of_time" ON "usage_record" USING btree ("visible_at");
--> statement-breakpoint
ALTER TABLE "grant_counter" ADD CONSTRAINT "grant_counter_spend_nano" CHECK (reserved_spend_nano >= 0 AND used_spend_nano >= 0 AND reserved_spend_nano + used_spend_nano <= cap_spend_nano);
--> statement-breakpoint
CREATE TRIGGER insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON quote_acceptance
  FOR EACH STATEMENT EXECUTE FUNCTION unseen_forbid('what was accepted stays so');
--> statement-breakpoint
CREATE TRIGGER insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON spend_alert
  FOR EACH STATEMENT EXECUTE FUNCTION unseen_forbid('an alert was given');
--> statement-breakpoint
CREATE TRIGGER insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON spend_return
  FOR EACH STATEMENT EXECUTE FUNCTION unseen_forbid('money is given back once');
--> statement-breakpoint
CREATE TRIGGER insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON statement_event
  FOR EACH STATEMENT EXECUTE FUNCTION unseen_forbid('what was done with a statement is insert-only');
--> statement-breakpoint
CREATE TRIGGER insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON statement_line
  FOR EACH STATEMENT EXECUTE FUNCTION unseen_forbid('lines never change: they are reversed');
--> statement-breakpoint
CREATE TRIGGER insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON invoice
  FOR EACH STATEMENT EXECUTE FUNCTION unseen_forbid('an invoice of a line is insert-only');
--> statement-breakpoint
CREATE TRIGGER insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON payment_advice
  FOR EACH STATEMENT EXECUTE FUNCTION unseen_forbid('payment advices are insert-only');
--> statement-breakpoint
CREATE TRIGGER insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON cost_entry
  FOR EACH STATEMENT EXECUTE FUNCTION unseen_forbid('entries are reversed, never changed');
--> statement-breakpoint
CREATE TRIGGER insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON run_destruction
  FOR EACH STATEMENT EXECUTE FUNCTION unseen_forbid('a record of destruction is insert-only');
--> statement-breakpoint
CREATE TRIGGER insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON line_family
  FOR EACH STATEMENT EXECUTE FUNCTION unseen_forbid('families are insert-only');
--> statement-breakpoint
CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON filed_document
  FOR EACH STATEMENT EXECUTE FUNCTION unseen_forbid('every wording is kept');
--> statement-breakpoint
CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON rated_usage
  FOR EACH STATEMENT EXECUTE FUNCTION unseen_forbid('what was rated is kept');
--> statement-breakpoint
CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON statement_sequence
  FOR EACH STATEMENT EXECUTE FUNCTION unseen_forbid('numbers are kept');
--> statement-breakpoint
CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON statement
  FOR EACH STATEMENT EXECUTE FUNCTION unseen_forbid('a statement is kept');
--> statement-breakpoint
CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON correction
  FOR EACH STATEMENT EXECUTE FUNCTION unseen_forbid('a correction is kept');
--> statement-breakpoint
CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON settlement_instruction
  FOR EACH STATEMENT EXECUTE FUNCTION unseen_forbid('an instruction is kept');
--> statement-breakpoint
CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON settlement_share
  FOR EACH STATEMENT EXECUTE FUNCTION unseen_forbid('a share is kept');
--> statement-breakpoint
CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON price_task
  FOR EACH STATEMENT EXECUTE FUNCTION unseen_forbid('a task is kept');
--> statement-breakpoint
CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON quote_count
  FOR EACH STATEMENT EXECUTE FUNCTION unseen_forbid('a count is kept');
--> statement-breakpoint
CREATE TRIGGER as_filed BEFORE UPDATE ON filed_document
  FOR EACH ROW WHEN (
    (NEW.kind, NEW.id, NEW.revision, NEW.body, NEW.digest, NEW.effective_from, NEW.filed_by, NEW.filed_at) IS DISTINCT FROM (OLD.kind, OLD.id, OLD.revision, OLD.body, OLD.digest, OLD.effective_from, OLD.filed_by, OLD.filed_at)
    OR OLD.approved_by IS NOT NULL AND (NEW.approved_by, NEW.approved_at, NEW.leaf_index) IS DISTINCT FROM (OLD.approved_by, OLD.approved_at, OLD.leaf_index)
    OR OLD.withdrawn_by IS NOT NULL AND (NEW.withdrawn_by, NEW.withdrawn_at) IS DISTINCT FROM (OLD.withdrawn_by, OLD.withdrawn_at)
    OR NEW.effective_to IS DISTINCT FROM OLD.effective_to AND OLD.effective_to IS NOT NULL
  ) EXECUTE FUNCTION unseen_forbid('what was filed stays as it was filed');
--> statement-breakpoint
CREATE TRIGGER one_way BEFORE UPDATE ON statement
  FOR EACH ROW WHEN (
    (NEW.id, NEW.issuer, NEW.seq, NEW.organisation_id, NEW.period, NEW.currency, NEW.total_fen, NEW.lines, NEW.lines_root, NEW.head, NEW.digest, NEW.previous_digest, NEW.closed_by, NEW.closed_at) IS DISTINCT FROM (OLD.id, OLD.issuer, OLD.seq, OLD.organisation_id, OLD.period, OLD.currency, OLD.total_fen, OLD.lines, OLD.lines_root, OLD.head, OLD.digest, OLD.previous_digest, OLD.closed_by, OLD.closed_at)
    OR OLD.signed IS NOT NULL AND (NEW.signed, NEW.leaf_index, NEW.issued_by, NEW.issued_at) IS DISTINCT FROM (OLD.signed, OLD.leaf_index, OLD.issued_by, OLD.issued_at)
    OR (OLD.state, NEW.state) NOT IN (('closed', 'issued'), ('issued', 'disputed'), ('disputed', 'issued'), ('issued', 'settled'))
  ) EXECUTE FUNCTION unseen_forbid('closed, issued, settled; or disputed in between');
--> statement-breakpoint
CREATE TRIGGER by_one BEFORE UPDATE ON statement_sequence
  FOR EACH ROW WHEN (
    NEW.issuer <> OLD.issuer OR NEW.last <> OLD.last + 1
  ) EXECUTE FUNCTION unseen_forbid('statement numbers have no gaps');
--> statement-breakpoint
CREATE TRIGGER decided_once BEFORE UPDATE ON correction
  FOR EACH ROW WHEN (
    (NEW.id, NEW.cause, NEW.usage_id, NEW.change, NEW.evidence, NEW.requested_by, NEW.requested_at) IS DISTINCT FROM (OLD.id, OLD.cause, OLD.usage_id, OLD.change, OLD.evidence, OLD.requested_by, OLD.requested_at)
    OR OLD.decision IS NOT NULL AND (NEW.decision, NEW.decided_by, NEW.decided_at, NEW.leaf_index) IS DISTINCT FROM (OLD.decision, OLD.decided_by, OLD.decided_at, OLD.leaf_index)
    OR OLD.statement_id IS NOT NULL AND NEW.statement_id IS DISTINCT FROM OLD.statement_id
  ) EXECUTE FUNCTION unseen_forbid('a correction is decided once and taken into account once');
--> statement-breakpoint
CREATE TRIGGER one_way BEFORE UPDATE ON settlement_instruction
  FOR EACH ROW WHEN (
    (NEW.id, NEW.idem_key, NEW.statement_id, NEW.fee_type, NEW.payer, NEW.payee, NEW.payee_type, NEW.amount_fen, NEW.currency, NEW.contract_number, NEW.created_by, NEW.created_at) IS DISTINCT FROM (OLD.id, OLD.idem_key, OLD.statement_id, OLD.fee_type, OLD.payer, OLD.payee, OLD.payee_type, OLD.amount_fen, OLD.currency, OLD.contract_number, OLD.created_by, OLD.created_at)
    OR (OLD.state, NEW.state) NOT IN (('pending', 'pending'), ('pending', 'sent'), ('sent', 'matched'), ('sent', 'rejected'))
  ) EXECUTE FUNCTION unseen_forbid('pending, sent, then matched or rejected');
--> statement-breakpoint
CREATE TRIGGER paid_once BEFORE UPDATE ON settlement_share
  FOR EACH ROW WHEN (
    (NEW.line_id, NEW.payee, NEW.payee_type, NEW.amount_fen) IS DISTINCT FROM (OLD.line_id, OLD.payee, OLD.payee_type, OLD.amount_fen)
    OR OLD.instruction_id IS NOT NULL AND NEW.instruction_id IS DISTINCT FROM OLD.instruction_id
  ) EXECUTE FUNCTION unseen_forbid('a share goes into one instruction');
--> statement-breakpoint
CREATE TRIGGER same_usage BEFORE UPDATE ON rated_usage
  FOR EACH ROW WHEN (
    (NEW.usage_id, NEW.fee_type, NEW.basis) IS DISTINCT FROM (OLD.usage_id, OLD.fee_type, OLD.basis)
  ) EXECUTE FUNCTION unseen_forbid('usage is rated once; a correction moves it to another family');
--> statement-breakpoint
CREATE TRIGGER closed_once BEFORE UPDATE ON price_task
  FOR EACH ROW WHEN (
    (NEW.year, NEW.ceiling_id, NEW.kind, NEW.working, NEW.opened_at) IS DISTINCT FROM (OLD.year, OLD.ceiling_id, OLD.kind, OLD.working, OLD.opened_at) OR OLD.closed_at IS NOT NULL
  ) EXECUTE FUNCTION unseen_forbid('a task is closed once');
--> statement-breakpoint
CREATE FUNCTION unseen_check_document() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.revision <> 1 + coalesce((SELECT max(revision) FROM filed_document WHERE kind = NEW.kind AND id = NEW.id), 0) THEN
    RAISE EXCEPTION 'revisions of a document have no gaps' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END
$$;
--> statement-breakpoint
CREATE TRIGGER in_order BEFORE INSERT ON filed_document FOR EACH ROW EXECUTE FUNCTION unseen_check_document();
--> statement-breakpoint
-- Who is at 50, 80 or 100 per cent of what a counter of money may count. The function runs for whoever counts.
CREATE FUNCTION unseen_alert_spend() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  INSERT INTO spend_alert (grant_id, scope, percent)
  SELECT NEW.grant_id, NEW.scope, p FROM unnest(ARRAY[50, 80, 100]) AS p
  WHERE (NEW.reserved_spend_nano + NEW.used_spend_nano) * 100 >= NEW.cap_spend_nano * p
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END
$$;
--> statement-breakpoint
CREATE TRIGGER alerts AFTER INSERT OR UPDATE ON grant_counter
  FOR EACH ROW WHEN (NEW.cap_spend_nano > 0 AND (NEW.reserved_spend_nano + NEW.used_spend_nano) * 2 >= NEW.cap_spend_nano)
  EXECUTE FUNCTION unseen_alert_spend();
--> statement-breakpoint
ALTER FUNCTION unseen_grant_roles() RENAME TO unseen_grant_roles_before_billing;
--> statement-breakpoint
CREATE FUNCTION unseen_grant_roles() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM unseen_grant_roles_before_billing();
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'unseen_gateway') THEN
    GRANT SELECT ON filed_document, line_family, rated_usage, statement_sequence, statement, statement_event, statement_line,
      invoice, correction, settlement_instruction, settlement_share, payment_advice, cost_entry, price_task, run_destruction,
      quote_acceptance, quote_count, spend_alert, spend_return TO unseen_gateway;
    GRANT INSERT ON filed_document, line_family, rated_usage, statement_sequence, statement, statement_event, statement_line,
      invoice, correction, settlement_instruction, settlement_share, payment_advice, cost_entry, price_task,
      quote_acceptance, quote_count, spend_return TO unseen_gateway;
    GRANT UPDATE ON filed_document, rated_usage, statement_sequence, statement, correction, settlement_instruction,
      settlement_share, price_task, quote_count TO unseen_gateway;
  END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'unseen_runner') THEN
    GRANT SELECT ON filed_document, spend_return, run_destruction TO unseen_runner;
    GRANT INSERT ON run_destruction TO unseen_runner;
  END IF;
END
$$;
--> statement-breakpoint
SELECT unseen_grant_roles();
