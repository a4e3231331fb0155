-- Digests (XXH3, 128 bits, as `xxhsum -H2` prints them) of what the run was begun with and of what its stages left.
CREATE TABLE IF NOT EXISTS files (
  stage INTEGER NOT NULL,           -- -1 = named by the recipe, -2 = of final/
  path TEXT NOT NULL,               -- absolute where named, relative to the run's folder where left
  digest TEXT NOT NULL,
  PRIMARY KEY (stage, path)
) WITHOUT ROWID;
