-- Once, when the volume is new: Dagster's run history beside the state of Tieout (database tieout).
CREATE DATABASE dagster;
