"""dbt-spark for models that are written in DuckDB's SQL: each query is translated on its way."""

from pathlib import Path

from dbt.adapters.base import AdapterPlugin, available
from dbt.adapters.spark import SparkAdapter, SparkConnectionManager, SparkCredentials

from orchestration.spark.dialect import spark_sql


class TieoutSparkCredentials(SparkCredentials):
    def __post_init__(self) -> None:
        """With ANSI rules, which dbt-spark turns off: an overflow is an error, as in DuckDB."""
        super().__post_init__()
        self.server_side_parameters["spark.sql.ansi.enabled"] = "true"

    @property
    def type(self) -> str:
        return "tieoutspark"


class TieoutSparkConnectionManager(SparkConnectionManager):
    TYPE = "tieoutspark"


class TieoutSparkAdapter(SparkAdapter):
    ConnectionManager = TieoutSparkConnectionManager

    def quote(self, identifier: str) -> str:
        """As in DuckDB: what dbt quotes stands in queries, and these are translated."""
        return f'"{identifier}"'

    @available
    def spark_sql(self, query: str) -> str:
        return spark_sql(query)


Plugin = AdapterPlugin(
    adapter=TieoutSparkAdapter,
    credentials=TieoutSparkCredentials,
    include_path=str(Path(__file__).parents[2] / "include" / "tieoutspark"),
    dependencies=["spark"],
)
