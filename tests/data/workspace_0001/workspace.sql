BEGIN TRANSACTION;
CREATE TABLE agent_playbooks (
	team TEXT NOT NULL, 
	playbook_id TEXT NOT NULL, 
	workflow TEXT NOT NULL, 
	level BIGINT NOT NULL, 
	owner_role TEXT, 
	deputy_role TEXT, 
	auditor_role TEXT, 
	triggers BIGINT NOT NULL, 
	status TEXT NOT NULL, 
	reviewed_on DATE, 
	revision BIGINT NOT NULL, 
	CONSTRAINT pk_agent_playbooks PRIMARY KEY (team, playbook_id), 
	CONSTRAINT fk_agent_playbooks_team FOREIGN KEY(team) REFERENCES teams (team) DEFERRABLE INITIALLY DEFERRED
);
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE answers (
	team TEXT NOT NULL, 
	questionnaire TEXT NOT NULL, 
	question TEXT NOT NULL, 
	seat BIGINT NOT NULL, 
	score BIGINT, 
	not_applicable BOOLEAN NOT NULL, 
	evidence TEXT, 
	day DATE, 
	revision BIGINT NOT NULL, 
	CONSTRAINT pk_answers PRIMARY KEY (team, questionnaire, question, seat), 
	CONSTRAINT fk_answers_team FOREIGN KEY(team) REFERENCES teams (team) DEFERRABLE INITIALLY DEFERRED
);
INSERT INTO "answers" VALUES('größe-7','maturity','q1',0,3,0,NULL,'2026-11-11',5);
CREATE TABLE breakages (
	team TEXT NOT NULL, 
	breakage_id TEXT NOT NULL, 
	pilot_id TEXT NOT NULL, 
	day DATE NOT NULL, 
	category TEXT NOT NULL, 
	severity TEXT NOT NULL, 
	what TEXT NOT NULL, 
	minutes_lost DOUBLE, 
	fix TEXT, 
	revision BIGINT NOT NULL, 
	CONSTRAINT pk_breakages PRIMARY KEY (team, breakage_id), 
	CONSTRAINT fk_breakages_team FOREIGN KEY(team) REFERENCES teams (team) DEFERRABLE INITIALLY DEFERRED
);
CREATE TABLE budget_lines (
	team TEXT NOT NULL, 
	line TEXT NOT NULL, 
	monthly DOUBLE NOT NULL, 
	currency TEXT NOT NULL, 
	note TEXT, 
	revision BIGINT NOT NULL, 
	CONSTRAINT pk_budget_lines PRIMARY KEY (team, line), 
	CONSTRAINT fk_budget_lines_team FOREIGN KEY(team) REFERENCES teams (team) DEFERRABLE INITIALLY DEFERRED
);
CREATE TABLE decisions (
	team TEXT NOT NULL, 
	decision_id TEXT NOT NULL, 
	day DATE NOT NULL, 
	decision TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	owner_role TEXT, 
	revision BIGINT NOT NULL, 
	CONSTRAINT pk_decisions PRIMARY KEY (team, decision_id), 
	CONSTRAINT fk_decisions_team FOREIGN KEY(team) REFERENCES teams (team) DEFERRABLE INITIALLY DEFERRED
);
INSERT INTO "decisions" VALUES('content','d1','2026-11-13','Keep claims human','Regulated;
not yet','Head of content',5);
CREATE TABLE events (
	team TEXT NOT NULL, 
	import_id TEXT NOT NULL, 
	"row" BIGINT NOT NULL, 
	"case" TEXT NOT NULL, 
	activity TEXT NOT NULL, 
	timestamp DATETIME NOT NULL, 
	resource TEXT, 
	revision BIGINT NOT NULL, 
	CONSTRAINT pk_events PRIMARY KEY (team, import_id, "row"), 
	CONSTRAINT fk_events_team FOREIGN KEY(team) REFERENCES teams (team) DEFERRABLE INITIALLY DEFERRED
);
INSERT INTO "events" VALUES('content','3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f',2,'c-1','brief accepted','2026-10-05 09:00:00.000000','p-5d1c',4);
INSERT INTO "events" VALUES('content','3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f',3,'c-1','published','2026-10-07 16:30:00.500000',NULL,4);
INSERT INTO "events" VALUES('content','3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f',4,'c-2','brief accepted','2026-10-06 07:05:09.000000','p-77aa',4);
CREATE TABLE history (
	id INTEGER NOT NULL, 
	change BIGINT NOT NULL, 
	at DATETIME NOT NULL, 
	"by" TEXT NOT NULL, 
	action TEXT NOT NULL, 
	"table" TEXT NOT NULL, 
	team TEXT, 
	"key" TEXT NOT NULL, 
	rows BIGINT NOT NULL, 
	"before" TEXT, 
	"after" TEXT, 
	CONSTRAINT pk_history PRIMARY KEY (id)
);
INSERT INTO "history" VALUES(1,1,'2026-11-22 11:42:35.777780','facilitator','insert','settings',NULL,'{"name": "organisation"}',1,NULL,'{"name": "organisation", "value": "Nordlicht Käse (made up)"}');
INSERT INTO "history" VALUES(2,1,'2026-11-22 11:42:35.777780','facilitator','insert','settings',NULL,'{"name": "start"}',1,NULL,'{"name": "start", "value": "2026-11-02"}');
INSERT INTO "history" VALUES(3,1,'2026-11-22 11:42:35.777780','facilitator','insert','settings',NULL,'{"name": "made_up"}',1,NULL,'{"name": "made_up", "value": "yes"}');
INSERT INTO "history" VALUES(4,2,'2026-11-22 11:42:35.811072','facilitator','insert','teams','content','{"team": "content"}',1,NULL,'{"team": "content", "name": "Content", "people": 9, "start": null, "country": "DE", "note": null}');
INSERT INTO "history" VALUES(5,2,'2026-11-22 11:42:35.811072','facilitator','insert','teams','größe-7','{"team": "größe-7"}',1,NULL,'{"team": "größe-7", "name": "Größe 7", "people": null, "start": "2026-11-09", "country": null, "note": null}');
INSERT INTO "history" VALUES(6,2,'2026-11-22 11:42:35.811072','facilitator','insert','tasks','content','{"team": "content", "task_id": "t1"}',1,NULL,'{"team": "content", "task_id": "t1", "task": "Write the weekly newsletter", "workflow": "newsletter", "function": null, "layer": "production", "role": null, "runs_per_month": 4.0, "minutes_per_run": 95.5, "current_level": 2, "structure": null, "data_readiness": null, "verifiability": null, "judgment": null, "stakes": 2.5, "relationship": null, "exposure": null, "not_applicable": null, "basis": "estimated", "note": null}');
INSERT INTO "history" VALUES(7,2,'2026-11-22 11:42:35.811072','facilitator','insert','tasks','content','{"team": "content", "task_id": "t2"}',1,NULL,'{"team": "content", "task_id": "t2", "task": "Check each \"claim\"; it''s regulated", "workflow": "newsletter", "function": null, "layer": "QA", "role": null, "runs_per_month": 4.33, "minutes_per_run": 20.0, "current_level": 1, "structure": null, "data_readiness": null, "verifiability": null, "judgment": null, "stakes": 5.0, "relationship": null, "exposure": null, "not_applicable": null, "basis": "estimated", "note": null}');
INSERT INTO "history" VALUES(8,2,'2026-11-22 11:42:35.811072','facilitator','insert','tasks','content','{"team": "content", "task_id": "t3"}',1,NULL,'{"team": "content", "task_id": "t3", "task": "Drop me", "workflow": "newsletter", "function": null, "layer": null, "role": null, "runs_per_month": 1.0, "minutes_per_run": null, "current_level": null, "structure": null, "data_readiness": null, "verifiability": null, "judgment": null, "stakes": null, "relationship": null, "exposure": null, "not_applicable": null, "basis": "estimated", "note": null}');
INSERT INTO "history" VALUES(9,2,'2026-11-22 11:42:35.811072','facilitator','insert','tasks','größe-7','{"team": "größe-7", "task_id": "t1"}',1,NULL,'{"team": "größe-7", "task_id": "t1", "task": "Plan the fair", "workflow": "events", "function": null, "layer": "planning", "role": null, "runs_per_month": 0.25, "minutes_per_run": 240.0, "current_level": 2, "structure": null, "data_readiness": null, "verifiability": null, "judgment": null, "stakes": 3.0, "relationship": null, "exposure": null, "not_applicable": null, "basis": "estimated", "note": null}');
INSERT INTO "history" VALUES(10,3,'2026-11-22 11:42:35.906672','workflow owner','update','tasks','content','{"team": "content", "task_id": "t1"}',1,'{"team": "content", "task_id": "t1", "task": "Write the weekly newsletter", "workflow": "newsletter", "function": null, "layer": "production", "role": null, "runs_per_month": 4.0, "minutes_per_run": 95.5, "current_level": 2, "structure": null, "data_readiness": null, "verifiability": null, "judgment": null, "stakes": 2.5, "relationship": null, "exposure": null, "not_applicable": null, "basis": "estimated", "note": null}','{"team": "content", "task_id": "t1", "task": "Write the weekly newsletter", "workflow": "newsletter", "function": null, "layer": "production", "role": null, "runs_per_month": 4.0, "minutes_per_run": 80.25, "current_level": 3, "structure": null, "data_readiness": null, "verifiability": null, "judgment": null, "stakes": 2.5, "relationship": null, "exposure": null, "not_applicable": null, "basis": "estimated", "note": null}');
INSERT INTO "history" VALUES(11,3,'2026-11-22 11:42:35.906672','workflow owner','delete','tasks','content','{"team": "content", "task_id": "t3"}',1,'{"team": "content", "task_id": "t3", "task": "Drop me", "workflow": "newsletter", "function": null, "layer": null, "role": null, "runs_per_month": 1.0, "minutes_per_run": null, "current_level": null, "structure": null, "data_readiness": null, "verifiability": null, "judgment": null, "stakes": null, "relationship": null, "exposure": null, "not_applicable": null, "basis": "estimated", "note": null}',NULL);
INSERT INTO "history" VALUES(12,4,'2026-11-22 11:42:35.987244','facilitator','append','imports','content','{"import_id": "3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f"}',1,NULL,NULL);
INSERT INTO "history" VALUES(13,4,'2026-11-22 11:42:35.987244','facilitator','append','events','content','{"team": "content", "import_id": "3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f"}',3,NULL,NULL);
INSERT INTO "history" VALUES(14,4,'2026-11-22 11:42:35.987244','facilitator','append','rejects','content','{"import_id": "3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f", "row": 5, "column_name": "timestamp"}',1,NULL,NULL);
INSERT INTO "history" VALUES(15,5,'2026-11-22 11:42:36.079699','pod lead','insert','pilots','content','{"team": "content", "pilot_id": "p1"}',1,NULL,'{"team": "content", "pilot_id": "p1", "workflow": "newsletter", "level": 3, "status": "running", "start": "2026-11-10", "end": null, "owner_role": null, "operator_role": null, "auditor_role": null}');
INSERT INTO "history" VALUES(16,5,'2026-11-22 11:42:36.079699','pod lead','insert','pilot_items','content','{"team": "content", "pilot_id": "p1", "item": "i1"}',1,NULL,'{"team": "content", "pilot_id": "p1", "item": "i1", "arm": "baseline", "day": "2026-11-09", "minutes": 90.0, "review_minutes": 0.0, "rework_minutes": 0.0, "accepted": null, "quality": 4.5}');
INSERT INTO "history" VALUES(17,5,'2026-11-22 11:42:36.079699','pod lead','insert','pilot_items','content','{"team": "content", "pilot_id": "p1", "item": "i2"}',1,NULL,'{"team": "content", "pilot_id": "p1", "item": "i2", "arm": "trial", "day": "2026-11-12", "minutes": 30.5, "review_minutes": 0.0, "rework_minutes": 0.0, "accepted": true, "quality": 3.25}');
INSERT INTO "history" VALUES(18,5,'2026-11-22 11:42:36.079699','pod lead','insert','answers','größe-7','{"team": "größe-7", "questionnaire": "maturity", "question": "q1", "seat": 0}',1,NULL,'{"team": "größe-7", "questionnaire": "maturity", "question": "q1", "seat": 0, "score": 3, "not_applicable": false, "evidence": null, "day": "2026-11-11"}');
INSERT INTO "history" VALUES(19,5,'2026-11-22 11:42:36.079699','pod lead','insert','readings','content','{"team": "content", "kpi": "time_to_produce", "start": "2026-10-01"}',1,NULL,'{"team": "content", "kpi": "time_to_produce", "start": "2026-10-01", "days": 31, "value": -0.125, "low": -1e-09, "high": null, "n": 42}');
INSERT INTO "history" VALUES(20,5,'2026-11-22 11:42:36.079699','pod lead','insert','decisions','content','{"team": "content", "decision_id": "d1"}',1,NULL,'{"team": "content", "decision_id": "d1", "day": "2026-11-13", "decision": "Keep claims human", "reason": "Regulated;\nnot yet", "owner_role": "Head of content"}');
CREATE TABLE imports (
	import_id TEXT NOT NULL, 
	team TEXT NOT NULL, 
	file TEXT NOT NULL, 
	format TEXT NOT NULL, 
	at DATETIME NOT NULL, 
	rows_read BIGINT NOT NULL, 
	stored BIGINT NOT NULL, 
	rejected BIGINT NOT NULL, 
	duplicates BIGINT NOT NULL, 
	revision BIGINT NOT NULL, 
	CONSTRAINT pk_imports PRIMARY KEY (import_id), 
	CONSTRAINT fk_imports_team FOREIGN KEY(team) REFERENCES teams (team) DEFERRABLE INITIALLY DEFERRED
);
INSERT INTO "imports" VALUES('3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f','content','events.csv','events','2026-11-03 08:15:00.123456',4,3,1,0,4);
CREATE TABLE pilot_items (
	team TEXT NOT NULL, 
	pilot_id TEXT NOT NULL, 
	item TEXT NOT NULL, 
	arm TEXT NOT NULL, 
	day DATE NOT NULL, 
	minutes DOUBLE NOT NULL, 
	review_minutes DOUBLE NOT NULL, 
	rework_minutes DOUBLE NOT NULL, 
	accepted BOOLEAN, 
	quality DOUBLE, 
	revision BIGINT NOT NULL, 
	CONSTRAINT pk_pilot_items PRIMARY KEY (team, pilot_id, item), 
	CONSTRAINT fk_pilot_items_team FOREIGN KEY(team) REFERENCES teams (team) DEFERRABLE INITIALLY DEFERRED
);
INSERT INTO "pilot_items" VALUES('content','p1','i1','baseline','2026-11-09',90.0,0.0,0.0,NULL,4.5,5);
INSERT INTO "pilot_items" VALUES('content','p1','i2','trial','2026-11-12',30.5,0.0,0.0,1,3.25,5);
CREATE TABLE pilots (
	team TEXT NOT NULL, 
	pilot_id TEXT NOT NULL, 
	workflow TEXT NOT NULL, 
	level BIGINT NOT NULL, 
	status TEXT NOT NULL, 
	start DATE, 
	"end" DATE, 
	owner_role TEXT, 
	operator_role TEXT, 
	auditor_role TEXT, 
	revision BIGINT NOT NULL, 
	CONSTRAINT pk_pilots PRIMARY KEY (team, pilot_id), 
	CONSTRAINT fk_pilots_team FOREIGN KEY(team) REFERENCES teams (team) DEFERRABLE INITIALLY DEFERRED
);
INSERT INTO "pilots" VALUES('content','p1','newsletter',3,'running','2026-11-10',NULL,NULL,NULL,NULL,5);
CREATE TABLE pod_seats (
	team TEXT NOT NULL, 
	pod TEXT NOT NULL, 
	workflow TEXT NOT NULL, 
	seat TEXT NOT NULL, 
	role TEXT, 
	revision BIGINT NOT NULL, 
	CONSTRAINT pk_pod_seats PRIMARY KEY (team, pod, workflow, seat), 
	CONSTRAINT fk_pod_seats_team FOREIGN KEY(team) REFERENCES teams (team) DEFERRABLE INITIALLY DEFERRED
);
CREATE TABLE progress (
	team TEXT NOT NULL, 
	activity TEXT NOT NULL, 
	status TEXT NOT NULL, 
	done_on DATE, 
	evidence TEXT, 
	revision BIGINT NOT NULL, 
	CONSTRAINT pk_progress PRIMARY KEY (team, activity), 
	CONSTRAINT fk_progress_team FOREIGN KEY(team) REFERENCES teams (team) DEFERRABLE INITIALLY DEFERRED
);
CREATE TABLE readings (
	team TEXT NOT NULL, 
	kpi TEXT NOT NULL, 
	start DATE NOT NULL, 
	days BIGINT NOT NULL, 
	value DOUBLE NOT NULL, 
	low DOUBLE, 
	high DOUBLE, 
	n BIGINT, 
	revision BIGINT NOT NULL, 
	CONSTRAINT pk_readings PRIMARY KEY (team, kpi, start), 
	CONSTRAINT fk_readings_team FOREIGN KEY(team) REFERENCES teams (team) DEFERRABLE INITIALLY DEFERRED
);
INSERT INTO "readings" VALUES('content','time_to_produce','2026-10-01',31,-0.125,-1.0e-09,NULL,42,5);
CREATE TABLE rejects (
	import_id TEXT NOT NULL, 
	team TEXT NOT NULL, 
	"row" BIGINT NOT NULL, 
	column_name TEXT NOT NULL, 
	found TEXT NOT NULL, 
	wanted TEXT NOT NULL, 
	record TEXT NOT NULL, 
	revision BIGINT NOT NULL, 
	CONSTRAINT pk_rejects PRIMARY KEY (import_id, "row", column_name), 
	CONSTRAINT fk_rejects_team FOREIGN KEY(team) REFERENCES teams (team) DEFERRABLE INITIALLY DEFERRED
);
INSERT INTO "rejects" VALUES('3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f','content',5,'timestamp','2026-02-31','a date and time','{"case": "c-2", "timestamp": "2026-02-31"}',4);
CREATE TABLE risk_status (
	team TEXT NOT NULL, 
	risk TEXT NOT NULL, 
	likelihood BIGINT NOT NULL, 
	impact BIGINT NOT NULL, 
	owner_role TEXT, 
	controls_done BIGINT NOT NULL, 
	checked_on DATE, 
	note TEXT, 
	revision BIGINT NOT NULL, 
	CONSTRAINT pk_risk_status PRIMARY KEY (team, risk), 
	CONSTRAINT fk_risk_status_team FOREIGN KEY(team) REFERENCES teams (team) DEFERRABLE INITIALLY DEFERRED
);
CREATE TABLE role_proposals (
	team TEXT NOT NULL, 
	role TEXT NOT NULL, 
	new_role TEXT NOT NULL, 
	status TEXT NOT NULL, 
	accountable_role TEXT, 
	appeal_to TEXT, 
	note TEXT, 
	revision BIGINT NOT NULL, 
	CONSTRAINT pk_role_proposals PRIMARY KEY (team, role), 
	CONSTRAINT fk_role_proposals_team FOREIGN KEY(team) REFERENCES teams (team) DEFERRABLE INITIALLY DEFERRED
);
CREATE TABLE secrets (
	name TEXT NOT NULL, 
	value TEXT NOT NULL, 
	CONSTRAINT pk_secrets PRIMARY KEY (name)
);
INSERT INTO "secrets" VALUES('pseudonym_key','0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef');
CREATE TABLE settings (
	name TEXT NOT NULL, 
	value TEXT NOT NULL, 
	revision BIGINT NOT NULL, 
	CONSTRAINT pk_settings PRIMARY KEY (name)
);
INSERT INTO "settings" VALUES('organisation','Nordlicht Käse (made up)',1);
INSERT INTO "settings" VALUES('start','2026-11-02',1);
INSERT INTO "settings" VALUES('made_up','yes',1);
CREATE TABLE tasks (
	team TEXT NOT NULL, 
	task_id TEXT NOT NULL, 
	task TEXT NOT NULL, 
	workflow TEXT NOT NULL, 
	function TEXT, 
	layer TEXT, 
	role TEXT, 
	runs_per_month DOUBLE, 
	minutes_per_run DOUBLE, 
	current_level BIGINT, 
	structure DOUBLE, 
	data_readiness DOUBLE, 
	verifiability DOUBLE, 
	judgment DOUBLE, 
	stakes DOUBLE, 
	relationship DOUBLE, 
	exposure DOUBLE, 
	not_applicable TEXT, 
	basis TEXT NOT NULL, 
	note TEXT, 
	revision BIGINT NOT NULL, 
	CONSTRAINT pk_tasks PRIMARY KEY (team, task_id), 
	CONSTRAINT fk_tasks_team FOREIGN KEY(team) REFERENCES teams (team) DEFERRABLE INITIALLY DEFERRED
);
INSERT INTO "tasks" VALUES('content','t1','Write the weekly newsletter','newsletter',NULL,'production',NULL,4.0,80.25,3,NULL,NULL,NULL,NULL,2.5,NULL,NULL,NULL,'estimated',NULL,3);
INSERT INTO "tasks" VALUES('content','t2','Check each "claim"; it''s regulated','newsletter',NULL,'QA',NULL,4.33,20.0,1,NULL,NULL,NULL,NULL,5.0,NULL,NULL,NULL,'estimated',NULL,2);
INSERT INTO "tasks" VALUES('größe-7','t1','Plan the fair','events',NULL,'planning',NULL,0.25,240.0,2,NULL,NULL,NULL,NULL,3.0,NULL,NULL,NULL,'estimated',NULL,2);
CREATE TABLE teams (
	team TEXT NOT NULL, 
	name TEXT NOT NULL, 
	people BIGINT, 
	start DATE, 
	country TEXT, 
	note TEXT, 
	revision BIGINT NOT NULL, 
	CONSTRAINT pk_teams PRIMARY KEY (team)
);
INSERT INTO "teams" VALUES('content','Content',9,NULL,'DE',NULL,2);
INSERT INTO "teams" VALUES('größe-7','Größe 7',NULL,'2026-11-09',NULL,NULL,2);
COMMIT;
