-- What was done about keys of sealed data. Inserts only; nobody approves what he asked for. Keys are in no table.
CREATE TABLE "key_event" (
	"key_id" text NOT NULL,
	"seq" integer NOT NULL,
	"kind" text NOT NULL,
	"account_id" text,
	"reason" text,
	"due_at" timestamp (3) with time zone,
	"detail" jsonb NOT NULL,
	"leaf_index" bigint NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "key_event_key_id_seq_pk" PRIMARY KEY("key_id","seq"),
	CONSTRAINT "key_event_leaf_index_unique" UNIQUE("leaf_index"),
	CONSTRAINT "key_event_kind" CHECK ("key_event"."kind" IN ('requested', 'approved', 'cancelled', 'held', 'lifted', 'destroying', 'destroyed')),
	CONSTRAINT "key_event_person" CHECK (("key_event"."account_id" IS NULL) = ("key_event"."kind" IN ('destroying', 'destroyed'))),
	CONSTRAINT "key_event_due" CHECK (("key_event"."due_at" IS NOT NULL) = ("key_event"."kind" = 'approved'))
);
--> statement-breakpoint
ALTER TABLE "key_event" ADD CONSTRAINT "key_event_account_id_account_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."account"("id") ON DELETE no action ON UPDATE no action;
--> statement-breakpoint
CREATE TRIGGER insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON key_event
  FOR EACH STATEMENT EXECUTE FUNCTION unseen_forbid('what was done about a key is insert-only');
--> statement-breakpoint
CREATE FUNCTION unseen_check_key_event() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  before record;
BEGIN
  SELECT kind, account_id, seq INTO before FROM key_event WHERE key_id = NEW.key_id
    AND kind NOT IN ('held', 'lifted') ORDER BY seq DESC LIMIT 1;
  IF NEW.seq <> 1 + coalesce((SELECT max(seq) FROM key_event WHERE key_id = NEW.key_id), 0)
    OR before.kind = 'destroyed'
    OR NEW.kind = 'approved' AND (before.kind IS DISTINCT FROM 'requested' OR before.account_id = NEW.account_id)
    OR NEW.kind = 'destroying' AND before.kind IS DISTINCT FROM 'approved'
    OR NEW.kind = 'destroyed' AND before.kind IS DISTINCT FROM 'destroying' THEN
    RAISE EXCEPTION 'a key is destroyed when one has asked, another has agreed, and in that order'
      USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END
$$;
--> statement-breakpoint
CREATE TRIGGER two_people BEFORE INSERT ON key_event
  FOR EACH ROW EXECUTE FUNCTION unseen_check_key_event();
--> statement-breakpoint
ALTER FUNCTION unseen_grant_roles() RENAME TO unseen_grant_roles_before_keys;
--> statement-breakpoint
CREATE FUNCTION unseen_grant_roles() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM unseen_grant_roles_before_keys();
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'unseen_gateway') THEN
    -- To see that the log is whole. It has no part in keys: who may act on one asks the runner that keeps it.
    GRANT SELECT ON key_event TO unseen_gateway;
  END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'unseen_runner') THEN
    GRANT SELECT, INSERT ON key_event TO unseen_runner;
  END IF;
END
$$;
--> statement-breakpoint
SELECT unseen_grant_roles();
