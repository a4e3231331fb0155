-- The store of one run: run.db in the run's folder. This file is the documentation of the tables.
-- Readers may open the file at any time (WAL). Only timings differ between two equal runs: the columns created,
-- started, seconds, finished, the table spans, and the metrics timing_s/*, perf/* and step_time.
-- A step is written in one transaction: it is here with everything or not at all.

CREATE TABLE run (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  name TEXT NOT NULL,
  created TEXT NOT NULL,            -- UTC, ISO 8601
  version TEXT NOT NULL,            -- of the program
  seed INTEGER NOT NULL,
  recipe TEXT NOT NULL,             -- resolved, JSON
  machine TEXT NOT NULL,            -- JSON
  status TEXT NOT NULL,             -- running, done, stopped, failed
  message TEXT NOT NULL DEFAULT '', -- why it stopped or failed
  seconds REAL NOT NULL DEFAULT 0
);

CREATE TABLE stages (
  idx INTEGER PRIMARY KEY,          -- position in the recipe, from 0
  name TEXT NOT NULL UNIQUE,
  type TEXT NOT NULL,               -- sft, grpo, reject, ...
  from_stage TEXT NOT NULL,         -- what it started from; empty = nothing
  steps INTEGER NOT NULL,           -- planned; 0 = unknown
  status TEXT NOT NULL,             -- running, done, stopped, failed
  started TEXT NOT NULL,
  seconds REAL NOT NULL DEFAULT 0,
  checkpoint TEXT NOT NULL DEFAULT ''
);

CREATE TABLE steps (
  stage INTEGER NOT NULL REFERENCES stages(idx),
  step INTEGER NOT NULL,            -- from 1 within a stage; 0 = before the first update
  PRIMARY KEY (stage, step)
) WITHOUT ROWID;

CREATE TABLE metrics (
  stage INTEGER NOT NULL,
  step INTEGER NOT NULL,
  key TEXT NOT NULL,                -- TRL's names; timing_s/ and perf/ are verl's
  value REAL,                       -- NULL = not a number
  PRIMARY KEY (stage, step, key)
) WITHOUT ROWID;
CREATE INDEX metrics_by_key ON metrics (key, stage, step);

CREATE TABLE spans (                -- where the time of a step went
  stage INTEGER NOT NULL,
  step INTEGER NOT NULL,
  phase TEXT NOT NULL,
  lane INTEGER NOT NULL,
  t0 REAL NOT NULL,                 -- seconds since the stage began
  t1 REAL NOT NULL
);
CREATE INDEX spans_by_step ON spans (stage, step);

CREATE TABLE prompts (
  id INTEGER PRIMARY KEY,           -- in order of first use
  digest TEXT NOT NULL,             -- FNV-1a 64 of text, NUL, answer: finds the same problem in other runs
  text TEXT NOT NULL,
  answer TEXT NOT NULL
);
CREATE INDEX prompts_by_digest ON prompts (digest);

CREATE TABLE samples (
  stage INTEGER NOT NULL,
  step INTEGER NOT NULL,
  task TEXT NOT NULL,               -- empty = a training rollout, else the evaluation it belongs to
  grp INTEGER NOT NULL,             -- group within the step, from 0
  k INTEGER NOT NULL,               -- sample within the group, from 0
  prompt INTEGER NOT NULL REFERENCES prompts(id),
  completion TEXT NOT NULL,
  completion_tokens INTEGER NOT NULL,
  finish TEXT NOT NULL,             -- stop, length, ...
  reward REAL,
  parts TEXT NOT NULL,              -- JSON [{name, value, weight, verdict, detail}]
  verdict TEXT NOT NULL,            -- right, wrong, undecided, failed
  advantage REAL,
  logp_sum REAL,                    -- sum of the sampler's log-probabilities
  weight_version INTEGER NOT NULL,  -- the update after which the sampling weights were taken
  PRIMARY KEY (stage, step, task, grp, k)
);
CREATE INDEX samples_by_prompt ON samples (prompt, stage, step);

CREATE TABLE evals (
  stage INTEGER NOT NULL,
  step INTEGER NOT NULL,            -- weights after this step of this stage
  task TEXT NOT NULL,
  role TEXT NOT NULL,               -- base, final, or empty for one in the loop
  n INTEGER NOT NULL,               -- problems
  k INTEGER NOT NULL,               -- samples of each
  metrics TEXT NOT NULL,            -- JSON {"pass@1": 0.25, ...}
  PRIMARY KEY (stage, step, task)
) WITHOUT ROWID;

CREATE TABLE alerts (
  stage INTEGER NOT NULL,
  step INTEGER NOT NULL,
  code TEXT NOT NULL,
  text TEXT NOT NULL
);
