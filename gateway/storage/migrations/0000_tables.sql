CREATE TABLE "dataset" (
	"name" text PRIMARY KEY NOT NULL,
	"organisation_id" text NOT NULL,
	"lineage_id" text NOT NULL,
	"population_id" text,
	"manifest" jsonb NOT NULL,
	"policy" jsonb NOT NULL,
	"policy_digest" text NOT NULL,
	"state" text DEFAULT 'active' NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "dataset_state" CHECK ("dataset"."state" IN ('active', 'suspended', 'withdrawn'))
);
--> statement-breakpoint
CREATE TABLE "dataset_version" (
	"id" text PRIMARY KEY NOT NULL,
	"dataset_name" text NOT NULL,
	"commitment" text NOT NULL,
	"registered_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "lineage" (
	"id" text PRIMARY KEY NOT NULL,
	"unit" text NOT NULL,
	"ceiling_nano" numeric(38, 0),
	"ceiling_yocto" numeric(38, 0),
	"capacity_nano" numeric(38, 0),
	"capacity_yocto" numeric(38, 0),
	"reserved_nano" numeric(38, 0) DEFAULT 0 NOT NULL,
	"reserved_yocto" numeric(38, 0) DEFAULT 0 NOT NULL,
	"spent_nano" numeric(38, 0) DEFAULT 0 NOT NULL,
	"spent_yocto" numeric(38, 0) DEFAULT 0 NOT NULL,
	"accounted_nano" numeric(38, 0) DEFAULT 0 NOT NULL,
	"accounted_yocto" numeric(38, 0) DEFAULT 0 NOT NULL,
	"frozen_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "lineage_unit" CHECK ("lineage"."unit" IN ('rho', 'epsilon')),
	CONSTRAINT "lineage_not_negative" CHECK (least("lineage"."reserved_nano", "lineage"."reserved_yocto", "lineage"."spent_nano", "lineage"."spent_yocto") >= 0),
	CONSTRAINT "lineage_nano" CHECK ("lineage"."reserved_nano" + "lineage"."spent_nano" <= "lineage"."ceiling_nano"),
	CONSTRAINT "lineage_yocto" CHECK ("lineage"."reserved_yocto" + "lineage"."spent_yocto" <= "lineage"."ceiling_yocto"),
	CONSTRAINT "lineage_capacity" CHECK ("lineage"."capacity_nano" <= "lineage"."ceiling_nano" AND "lineage"."capacity_yocto" <= "lineage"."ceiling_yocto"),
	CONSTRAINT "lineage_limited_in_both_or_neither" CHECK (num_nulls("lineage"."ceiling_nano", "lineage"."ceiling_yocto", "lineage"."capacity_nano", "lineage"."capacity_yocto") IN (0, 4))
);
--> statement-breakpoint
CREATE TABLE "runner_source" (
	"version_id" text PRIMARY KEY NOT NULL,
	"path" text NOT NULL,
	"digest" text NOT NULL,
	"identity" jsonb NOT NULL,
	"version_key" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "source_claim" (
	"kind" text NOT NULL,
	"value" text NOT NULL,
	"lineage_id" text NOT NULL,
	CONSTRAINT "source_claim_kind_value_pk" PRIMARY KEY("kind","value")
);
--> statement-breakpoint
CREATE TABLE "audit_head" (
	"id" integer PRIMARY KEY NOT NULL,
	"size" bigint NOT NULL,
	"hashes" jsonb NOT NULL,
	CONSTRAINT "audit_head_is_one" CHECK ("audit_head"."id" = 1)
);
--> statement-breakpoint
CREATE TABLE "audit_leaf" (
	"index" bigint PRIMARY KEY NOT NULL,
	"hash" text NOT NULL,
	"body" text NOT NULL,
	"class" text NOT NULL,
	"visible_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "audit_node" (
	"level" integer NOT NULL,
	"index" bigint NOT NULL,
	"hash" text NOT NULL,
	CONSTRAINT "audit_node_level_index_pk" PRIMARY KEY("level","index")
);
--> statement-breakpoint
CREATE TABLE "checkpoint" (
	"size" bigint PRIMARY KEY NOT NULL,
	"root" text NOT NULL,
	"note" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "usage_record" (
	"id" text PRIMARY KEY NOT NULL,
	"source" text NOT NULL,
	"type" text NOT NULL,
	"job_id" text NOT NULL,
	"grant_id" text,
	"account_id" text NOT NULL,
	"release_id" text,
	"outcome" text NOT NULL,
	"code" text,
	"charged" boolean NOT NULL,
	"spent_nano" numeric(38, 0) NOT NULL,
	"spent_yocto" numeric(38, 0) NOT NULL,
	"planned" jsonb NOT NULL,
	"measured" jsonb NOT NULL,
	"digest" text NOT NULL,
	"leaf_index" bigint NOT NULL,
	"visible_at" timestamp (3) with time zone NOT NULL,
	"recorded_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "usage_record_job_id_unique" UNIQUE("job_id"),
	CONSTRAINT "usage_record_leaf_index_unique" UNIQUE("leaf_index"),
	CONSTRAINT "usage_record_id" CHECK ("usage_record"."id" = "usage_record"."job_id" || '/' || "usage_record"."type"),
	CONSTRAINT "usage_record_outcome" CHECK (("usage_record"."type", "usage_record"."outcome") IN (('release', 'released'), ('refusal', 'refused'), ('failure', 'failed')))
);
--> statement-breakpoint
CREATE TABLE "access_grant" (
	"id" text PRIMARY KEY NOT NULL,
	"revision" integer NOT NULL,
	"organisation_id" text NOT NULL,
	"body" jsonb NOT NULL,
	"upstream" jsonb NOT NULL,
	"provider_approval" jsonb,
	"buyer_approval" jsonb,
	"subject_approval" jsonb,
	"suspended_at" timestamp (3) with time zone,
	"revoked_at" timestamp (3) with time zone,
	"revoked_by" text,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "grant_counter" (
	"grant_id" text NOT NULL,
	"scope" text NOT NULL,
	"cap_runs" numeric(38, 0),
	"reserved_runs" numeric(38, 0) DEFAULT 0 NOT NULL,
	"used_runs" numeric(38, 0) DEFAULT 0 NOT NULL,
	"cap_calls" numeric(38, 0),
	"reserved_calls" numeric(38, 0) DEFAULT 0 NOT NULL,
	"used_calls" numeric(38, 0) DEFAULT 0 NOT NULL,
	"cap_rows" numeric(38, 0),
	"reserved_rows" numeric(38, 0) DEFAULT 0 NOT NULL,
	"used_rows" numeric(38, 0) DEFAULT 0 NOT NULL,
	"cap_outputs" numeric(38, 0),
	"reserved_outputs" numeric(38, 0) DEFAULT 0 NOT NULL,
	"used_outputs" numeric(38, 0) DEFAULT 0 NOT NULL,
	"cap_compute_units" numeric(38, 0),
	"reserved_compute_units" numeric(38, 0) DEFAULT 0 NOT NULL,
	"used_compute_units" numeric(38, 0) DEFAULT 0 NOT NULL,
	"cap_epsilon_nano" numeric(38, 0),
	"reserved_epsilon_nano" numeric(38, 0) DEFAULT 0 NOT NULL,
	"used_epsilon_nano" numeric(38, 0) DEFAULT 0 NOT NULL,
	CONSTRAINT "grant_counter_grant_id_scope_pk" PRIMARY KEY("grant_id","scope"),
	CONSTRAINT "grant_counter_runs" CHECK (reserved_runs >= 0 AND used_runs >= 0 AND reserved_runs + used_runs <= cap_runs),
	CONSTRAINT "grant_counter_calls" CHECK (reserved_calls >= 0 AND used_calls >= 0 AND reserved_calls + used_calls <= cap_calls),
	CONSTRAINT "grant_counter_rows" CHECK (reserved_rows >= 0 AND used_rows >= 0 AND reserved_rows + used_rows <= cap_rows),
	CONSTRAINT "grant_counter_outputs" CHECK (reserved_outputs >= 0 AND used_outputs >= 0 AND reserved_outputs + used_outputs <= cap_outputs),
	CONSTRAINT "grant_counter_compute_units" CHECK (reserved_compute_units >= 0 AND used_compute_units >= 0 AND reserved_compute_units + used_compute_units <= cap_compute_units),
	CONSTRAINT "grant_counter_epsilon_nano" CHECK (reserved_epsilon_nano >= 0 AND used_epsilon_nano >= 0 AND reserved_epsilon_nano + used_epsilon_nano <= cap_epsilon_nano)
);
--> statement-breakpoint
CREATE TABLE "grant_revision" (
	"grant_id" text NOT NULL,
	"revision" integer NOT NULL,
	"body" jsonb NOT NULL,
	"created_by" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "grant_revision_grant_id_revision_pk" PRIMARY KEY("grant_id","revision")
);
--> statement-breakpoint
CREATE TABLE "quote" (
	"id" text PRIMARY KEY NOT NULL,
	"account_id" text NOT NULL,
	"grant_id" text,
	"plan_digest" text NOT NULL,
	"body" jsonb NOT NULL,
	"price" numeric(38, 0) DEFAULT 0 NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "account" (
	"id" text PRIMARY KEY NOT NULL,
	"organisation_id" text NOT NULL,
	"roles" jsonb NOT NULL,
	"keys" jsonb NOT NULL,
	"revoked_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "client_assertion" (
	"issuer" text NOT NULL,
	"jti" text NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "client_assertion_issuer_jti_pk" PRIMARY KEY("issuer","jti")
);
--> statement-breakpoint
CREATE TABLE "idempotency" (
	"account_id" text NOT NULL,
	"key" text NOT NULL,
	"body_hash" text NOT NULL,
	"job_id" text,
	"status" integer,
	"response" text,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "idempotency_account_id_key_pk" PRIMARY KEY("account_id","key")
);
--> statement-breakpoint
CREATE TABLE "organisation" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"region" text NOT NULL,
	"sector" text NOT NULL,
	"operator" boolean DEFAULT false NOT NULL,
	"suspended_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "job" (
	"id" text PRIMARY KEY NOT NULL,
	"account_id" text NOT NULL,
	"grant_id" text,
	"grant_revision" integer,
	"datasets" text[] NOT NULL,
	"version_id" text,
	"request" jsonb NOT NULL,
	"purpose" text,
	"scene" text,
	"epsilon" text,
	"delta" text,
	"plan_digest" text,
	"planned" jsonb NOT NULL,
	"scopes" text[] NOT NULL,
	"timing" jsonb,
	"actors" jsonb NOT NULL,
	"quote_id" text,
	"repeatable" boolean NOT NULL,
	"repeat" boolean DEFAULT false NOT NULL,
	"state" text NOT NULL,
	"outcome" text,
	"code" text,
	"sentence" jsonb,
	"release_id" text,
	"release_at" timestamp (3) with time zone,
	"halted_at" timestamp (3) with time zone,
	"halt_code" text,
	"runner" text,
	"attempt" integer DEFAULT 0 NOT NULL,
	"lease_until" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"opened_at" timestamp (3) with time zone,
	"done_at" timestamp (3) with time zone,
	CONSTRAINT "job_state" CHECK ("job"."state" IN ('queued', 'claimed', 'opened', 'done')),
	CONSTRAINT "job_done" CHECK (("job"."state" = 'done') = ("job"."outcome" IS NOT NULL AND "job"."release_at" IS NOT NULL)),
	CONSTRAINT "job_code" CHECK (("job"."outcome" = 'released') = ("job"."code" IS NULL)),
	CONSTRAINT "job_release" CHECK (("job"."outcome" = 'released') = ("job"."release_id" IS NOT NULL))
);
--> statement-breakpoint
CREATE TABLE "job_event" (
	"job_id" text NOT NULL,
	"seq" integer NOT NULL,
	"state" text NOT NULL,
	"visible_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "job_event_job_id_seq_pk" PRIMARY KEY("job_id","seq"),
	CONSTRAINT "job_event_state" CHECK ("job_event"."state" IN ('queued', 'accepted', 'done'))
);
--> statement-breakpoint
CREATE TABLE "release" (
	"id" text PRIMARY KEY NOT NULL,
	"job_id" text NOT NULL,
	"grant_id" text NOT NULL,
	"version_id" text NOT NULL,
	"plan_digest" text NOT NULL,
	"repeatable" boolean NOT NULL,
	"cells" text NOT NULL,
	"salt" text NOT NULL,
	"output_digest" text NOT NULL,
	"receipt" text NOT NULL,
	"released_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "release_job_id_unique" UNIQUE("job_id")
);
--> statement-breakpoint
CREATE TABLE "reservation" (
	"job_id" text NOT NULL,
	"lineage_id" text NOT NULL,
	"nano" numeric(38, 0) NOT NULL,
	"yocto" numeric(38, 0) NOT NULL,
	"state" text NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "reservation_job_id_lineage_id_pk" PRIMARY KEY("job_id","lineage_id"),
	CONSTRAINT "reservation_state" CHECK ("reservation"."state" IN ('held', 'opened', 'spent', 'returned')),
	CONSTRAINT "reservation_not_negative" CHECK ("reservation"."nano" >= 0 AND "reservation"."yocto" >= 0)
);
--> statement-breakpoint
ALTER TABLE "dataset" ADD CONSTRAINT "dataset_organisation_id_organisation_id_fk" FOREIGN KEY ("organisation_id") REFERENCES "public"."organisation"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "dataset" ADD CONSTRAINT "dataset_lineage_id_lineage_id_fk" FOREIGN KEY ("lineage_id") REFERENCES "public"."lineage"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "dataset" ADD CONSTRAINT "dataset_population_id_lineage_id_fk" FOREIGN KEY ("population_id") REFERENCES "public"."lineage"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "dataset_version" ADD CONSTRAINT "dataset_version_dataset_name_dataset_name_fk" FOREIGN KEY ("dataset_name") REFERENCES "public"."dataset"("name") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "runner_source" ADD CONSTRAINT "runner_source_version_id_dataset_version_id_fk" FOREIGN KEY ("version_id") REFERENCES "public"."dataset_version"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "source_claim" ADD CONSTRAINT "source_claim_lineage_id_lineage_id_fk" FOREIGN KEY ("lineage_id") REFERENCES "public"."lineage"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "usage_record" ADD CONSTRAINT "usage_record_job_id_job_id_fk" FOREIGN KEY ("job_id") REFERENCES "public"."job"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "usage_record" ADD CONSTRAINT "usage_record_release_id_release_id_fk" FOREIGN KEY ("release_id") REFERENCES "public"."release"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "access_grant" ADD CONSTRAINT "access_grant_organisation_id_organisation_id_fk" FOREIGN KEY ("organisation_id") REFERENCES "public"."organisation"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "grant_counter" ADD CONSTRAINT "grant_counter_grant_id_access_grant_id_fk" FOREIGN KEY ("grant_id") REFERENCES "public"."access_grant"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "grant_revision" ADD CONSTRAINT "grant_revision_grant_id_access_grant_id_fk" FOREIGN KEY ("grant_id") REFERENCES "public"."access_grant"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "quote" ADD CONSTRAINT "quote_account_id_account_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."account"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "quote" ADD CONSTRAINT "quote_grant_id_access_grant_id_fk" FOREIGN KEY ("grant_id") REFERENCES "public"."access_grant"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "account" ADD CONSTRAINT "account_organisation_id_organisation_id_fk" FOREIGN KEY ("organisation_id") REFERENCES "public"."organisation"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "job" ADD CONSTRAINT "job_account_id_account_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."account"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "job" ADD CONSTRAINT "job_grant_id_access_grant_id_fk" FOREIGN KEY ("grant_id") REFERENCES "public"."access_grant"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "job" ADD CONSTRAINT "job_quote_id_quote_id_fk" FOREIGN KEY ("quote_id") REFERENCES "public"."quote"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "job_event" ADD CONSTRAINT "job_event_job_id_job_id_fk" FOREIGN KEY ("job_id") REFERENCES "public"."job"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "release" ADD CONSTRAINT "release_job_id_job_id_fk" FOREIGN KEY ("job_id") REFERENCES "public"."job"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "release" ADD CONSTRAINT "release_grant_id_access_grant_id_fk" FOREIGN KEY ("grant_id") REFERENCES "public"."access_grant"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "reservation" ADD CONSTRAINT "reservation_job_id_job_id_fk" FOREIGN KEY ("job_id") REFERENCES "public"."job"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "reservation" ADD CONSTRAINT "reservation_lineage_id_lineage_id_fk" FOREIGN KEY ("lineage_id") REFERENCES "public"."lineage"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "dataset_version_latest" ON "dataset_version" USING btree ("dataset_name","registered_at");--> statement-breakpoint
CREATE INDEX "usage_record_of_grant" ON "usage_record" USING btree ("grant_id","visible_at");--> statement-breakpoint
CREATE INDEX "usage_record_of_account" ON "usage_record" USING btree ("account_id","visible_at");--> statement-breakpoint
CREATE INDEX "job_queue" ON "job" USING btree ("created_at") WHERE state = 'queued';--> statement-breakpoint
CREATE INDEX "job_lease" ON "job" USING btree ("lease_until") WHERE state IN ('claimed', 'opened');--> statement-breakpoint
CREATE INDEX "job_of_account" ON "job" USING btree ("account_id","created_at","id");--> statement-breakpoint
CREATE INDEX "job_under_way" ON "job" USING btree ("grant_id") WHERE state <> 'done';--> statement-breakpoint
CREATE UNIQUE INDEX "release_of_plan" ON "release" USING btree ("grant_id","version_id","plan_digest") WHERE repeatable;--> statement-breakpoint
CREATE INDEX "reservation_of_lineage" ON "reservation" USING btree ("lineage_id") WHERE state IN ('held', 'opened');